// Files from wherever a person has them: dropped, pasted, chosen; folders are walked.

const SUFFIX = /\.(png|jpe?g|tiff?|webp|bmp|zip|npy|idx|gz)$|ubyte$/i;

/** The dropped files, [{name, file}], names with their folders; and the names of what cannot be read. Call it within the event. */
export async function fromTransfer(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return { files: fromList(transfer.files), missed: [] };
  const [found, missed] = [[], []];
  for (const entry of entries) await walk(entry, found, missed, true);
  return { files: inOrder(found), missed };
}

/** Files of an input or of the clipboard. */
export function fromList(files) {
  const named = [...files].map((file) => ({ name: file.webkitRelativePath || file.name, file }));
  return inOrder(named.filter(({ name, file }) => !file.webkitRelativePath || isMeant(name)));
}

/** Sorted as a person counts: 2.png before 10.png. Browsers list a folder in the order of the disk. */
function inOrder(found) {
  const order = new Intl.Collator("en", { numeric: true });
  return found.sort((a, b) => order.compare(a.name, b.name));
}

async function walk(entry, found, missed, top = false) {
  const name = entry.fullPath.replace(/^\//, "");
  try {
    if (!entry.isFile) await walkFolder(entry, found, missed);
    else if (top || isMeant(name)) found.push({ name, file: await promised(entry, "file") });
  } catch {
    missed.push(name);
  }
}

async function walkFolder(entry, found, missed) {
  const reader = entry.createReader();
  for (;;) {
    const some = await promised(reader, "readEntries"); // a hundred at a time
    if (!some.length) return;
    for (const each of some) await walk(each, found, missed);
  }
}

/** Whether a file in a folder is to be read; desktops leave `.DS_Store` and `._scan.png` there. */
function isMeant(name) {
  return SUFFIX.test(name) && !name.split("/").some((part) => part.startsWith("."));
}

const promised = (object, method) => new Promise((resolve, reject) => object[method](resolve, reject));
