/** History and what no feed tells, from CSV files. hub/measures/backload.ts. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadIncoming } from '../../../../hub/measures/backload.ts';
import { Pseudonyms } from '../../../../hub/measures/pseudonyms.ts';
import { levelsInForce } from '../../../../hub/measures/reference-levels.ts';
import { Store } from '../../../../hub/measures/store.ts';

t.test(
  'a level of the site is in force instead of the national one, one of no known quantity is refused',
  async (t) => {
    const directory = t.testdir();
    mkdirSync(join(directory, 'incoming'));
    writeFileSync(
      join(directory, 'incoming', 'level.csv'),
      [
        'trust,examination,quantity,level,source,version',
        ',ct-chest,dlp_mgycm,250,Survey of the network,1',
        'RRK,ct-chest,dlp_mgycm,270,Survey of the trust,2',
        ',ct-chest,dlp,1,Survey,1',
        ',ct-chest,ctdivol_mgy,much,Survey,1',
      ].join('\n'),
    );
    const store = await Store.open({ directory, memoryMegabytes: 256, threads: 1 });
    t.teardown(() => store.close());
    const [keys, seen] = [new Pseudonyms(Buffer.alloc(32, 7)), new Map()];
    await loadIncoming(store, keys, seen);
    const loaded = await loadIncoming(store, keys, seen);
    t.strictSame(loaded, [{ file: 'level.csv', taken: 2, refused: 2 }]);
    const chest = (await levelsInForce(store)).filter(
      ({ examination }) => examination === 'ct-chest',
    );
    t.match(chest, [
      { quantity: 'CTDIvol', trust: null, level: 8.5, unit: 'mGy', version: '2024-11-20' },
      { quantity: 'DLP', trust: null, level: 250, source: 'Survey of the network' },
      { quantity: 'DLP', trust: 'RRK', level: 270 },
    ]);
    t.equal(chest.length, 3);
  },
);

t.test('a file that is still being copied is left until it stands still', async (t) => {
  const directory = t.testdir();
  mkdirSync(join(directory, 'incoming'));
  const file = join(directory, 'incoming', 'code.csv');
  const store = await Store.open({ directory, memoryMegabytes: 256, threads: 1 });
  t.teardown(() => store.close());
  const [keys, seen] = [new Pseudonyms(Buffer.alloc(32, 7)), new Map()];
  const look = () => loadIncoming(store, keys, seen);
  writeFileSync(file, 'code,modality\n');
  t.strictSame(await look(), []);
  appendFileSync(file, 'CTHOR,CT\n');
  t.strictSame(await look(), []);
  appendFileSync(file, 'MHEAD,MR\n');
  t.strictSame(await look(), []);
  t.strictSame(await look(), [{ file: 'code.csv', taken: 2, refused: 0 }]);
});

t.test(
  'a file whose loading the end of the hub breaks off is loaded at its next start',
  async (t) => {
    const directory = t.testdir();
    mkdirSync(join(directory, 'incoming'));
    writeFileSync(join(directory, 'incoming', 'code.csv'), 'code,modality\nCTHOR,CT\n');
    const options = { directory, memoryMegabytes: 256, threads: 1 };
    const [keys, seen] = [new Pseudonyms(Buffer.alloc(32, 7)), new Map()];
    const ending = await Store.open(options);
    await loadIncoming(ending, keys, seen);
    ending.end();
    await t.rejects(loadIncoming(ending, keys, seen), { code: 'MEASURES_ENDED' });
    ending.close();

    const next = await Store.open(options);
    t.teardown(() => next.close());
    t.strictSame(await loadIncoming(next, keys, seen), [
      { file: 'code.csv', taken: 1, refused: 0 },
    ]);
  },
);
