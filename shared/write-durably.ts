/** A small file that is either as it was or as it is to be, whenever the machine goes down. */
import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';

/** @throws a Node system error; then the file is as it was */
export function writeDurably(file: string, data: string | Uint8Array, mode = 0o640): void {
  const fd = openSync(`${file}.new`, 'w', mode);
  try {
    // Not writeSync: on a disk that is nearly full it may write a part and say so by a number alone.
    writeFileSync(fd, data);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(`${file}.new`, file);
}
