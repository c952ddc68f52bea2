// Files from wherever a person has them: dropped, pasted, chosen; folders are walked.

const SUFFIX = /\.(png|jpe?g|tiff?|webp|bmp|zip|npy|idx|gz)$|ubyte$/i;
const DEBRIS = /^(\..*|thumbs\.db|desktop\.ini|__macosx)$/i;

/** What was found: files, [{name, file}], names with their folders; the names of those that are missed, since they cannot be read, and of others, which are no scans. */
class Found {
  files = [];
  missed = [];
  others = [];

  /** Whether a file in a folder is to be read. Desktops leave `.DS_Store`, `._scan.png` and `Thumbs.db` there, which nobody misses. */
  wants(name) {
    if (name.split("/").some((part) => DEBRIS.test(part))) return false;
    const wanted = SUFFIX.test(name);
    if (!wanted) this.others.push(name);
    return wanted;
  }

  /** Sorted as a person counts: 2.png before 10.png. Browsers list a folder in the order of the disk. */
  inOrder() {
    const order = new Intl.Collator("en", { numeric: true });
    this.files.sort((a, b) => order.compare(a.name, b.name));
    return this;
  }
}

/** What was dropped. Call it within the event. */
export async function fromTransfer(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return fromList(transfer.files);
  const found = new Found();
  for (const entry of entries) await walk(entry, found, true);
  return found.inOrder();
}

/** Files of an input or of the clipboard. */
export function fromList(files) {
  const found = new Found();
  for (const file of files) {
    const { webkitRelativePath: path, name } = file;
    if (!path || found.wants(path)) found.files.push({ name: path || name, file });
  }
  return found.inOrder();
}

async function walk(entry, found, top = false) {
  const name = entry.fullPath.replace(/^\//, "");
  try {
    if (!entry.isFile) await walkFolder(entry, found);
    else if (top || found.wants(name)) found.files.push({ name, file: await promised(entry, "file") });
  } catch {
    found.missed.push(name);
  }
}

async function walkFolder(entry, found) {
  const reader = entry.createReader();
  for (;;) {
    const some = await promised(reader, "readEntries"); // a hundred at a time
    if (!some.length) return;
    for (const each of some) await walk(each, found);
  }
}

const promised = (object, method) => new Promise((resolve, reject) => object[method](resolve, reject));
