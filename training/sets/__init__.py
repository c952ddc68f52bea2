"""From files to images, labels and a split: what is trained and measured on."""
