/** The tests that SAFETY.md and SECURITY.md name as proofs are there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

const ROOT = join(import.meta.dirname, '..', '..');

for (const document of ['SAFETY.md', 'SECURITY.md'])
  t.test(`every proof that ${document} names is a test that exists`, async (t) => {
    const text = readFileSync(join(ROOT, document), 'utf8');
    const proofs = [...text.matchAll(/`(test\/[^` ]+) › ([^`]+)`/g)];
    t.ok(proofs.length > 10, `${proofs.length} proofs`);
    for (const [, file = '', title = ''] of proofs) {
      const path = join(ROOT, file);
      const source = existsSync(path) ? readFileSync(path, 'utf8') : '';
      t.ok(source.includes(title), `${file} › ${title}`);
    }
    for (const line of text.split('\n').filter((one) => /^\| (H\d|\w+ ?\w* \| \*\*)/.test(one)))
      t.match(line, /`test\//, 'each line has a proof');
  });
