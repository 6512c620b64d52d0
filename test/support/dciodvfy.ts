/** dicom3tools' dciodvfy, a checker of object definitions (PS3.3), as a judge of objects before and after a change. */
import { runTool } from './dcmtk.ts';
import { readPart10 } from './part10.ts';

/** What it can't inflate it can't check. */
const DEFLATED = '1.2.840.10008.1.2.1.99';

/** Errors without values and numbers of items, each once. */
export async function definitionErrors(path: string): Promise<string[]> {
  const { output } = await runTool('dciodvfy', ['-new', path]);
  const lines = output.split('\n').filter((line) => line.startsWith('Error'));
  return [...new Set(lines.map((line) => line.replace(/\[\d+\]|=? ?<[^/<>][^<>]*>|\d+$/g, '')))];
}

/** At most so many files of each SOP class, of those that can be checked. */
export function someOfEachClass(paths: readonly string[], most: number): string[] {
  const counts = new Map<string, number>();
  return paths.filter((path) => {
    const { transferSyntaxUID, sopClassUID } = readPart10(path);
    if (transferSyntaxUID === DEFLATED) return false;
    const count = (counts.get(sopClassUID) ?? 0) + 1;
    counts.set(sopClassUID, count);
    return count <= most;
  });
}
