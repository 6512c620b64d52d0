/** The tests that SAFETY.md and SECURITY.md name as proofs are there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

const ROOT = join(import.meta.dirname, '..', '..');
const literally = (words: string): string => words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

for (const document of ['SAFETY.md', 'SECURITY.md'])
  t.test(`every proof that ${document} names is a test that exists`, async (t) => {
    const text = readFileSync(join(ROOT, document), 'utf8');
    const proofs = [...text.matchAll(/`(test\/[^`]+) › ([^`]+)`/g)];
    t.equal(proofs.length, text.match(/`test\//g)?.length, 'each has a file and a title');
    t.ok(proofs.length > 10, `${proofs.length} proofs`);
    for (const [, file = '', title = ''] of proofs) {
      const path = join(ROOT, file);
      const source = existsSync(path) ? readFileSync(path, 'utf8') : '';
      const isThere = titlesIn(source).some((one) => one.test(title));
      t.ok(isThere, `${file} › ${title}`);
    }
    for (const line of rowsWithProof(text)) t.match(line, /`test\//, 'each line has a proof');
  });

/**
 * Whole titles of tests and of their parts, never words of a comment. What a loop puts into one may be anything or left out;
 * so may the number of a requirement before it.
 */
function titlesIn(source: string): RegExp[] {
  const titles = source.matchAll(
    /(?:\b(?:test|suite)\(\s*|\bconst title = )(['"`])((?:\\.|(?!\1)[^\\])*)\1/g,
  );
  return [...titles].map(([, , title = '']) => {
    const parts = title.replace(/^[A-Z]{1,3}-?\d+: /, '').split(/"?\$\{[^}]*\}"?/);
    const words = parts.map((part) => part.replace(/\\(.)/g, '$1').trim());
    return new RegExp(`^${words.map(literally).join('.*')}$`);
  });
}

/** Of each table whose last column is the proof. */
function rowsWithProof(text: string): string[] {
  const [, ...tables] = text.split(/^\|.* proof \|\n\| --- .*\n/m);
  return tables.flatMap((table) => {
    const lines = table.split('\n');
    const end = lines.findIndex((line) => !line.startsWith('|'));
    return end === -1 ? lines : lines.slice(0, end);
  });
}
