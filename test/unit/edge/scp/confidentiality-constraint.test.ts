/** What an object says of how close it is kept: (0040,3001). PS3.3 C.2.4; ID-22 of the domain notes. */
import t from 'tap';
import { dicomReading } from '../../../../edge/scp/dicom-reading.ts';
import { readConfidentiality } from '../../../../shared/confidentiality.ts';
import { writeSmallDataSet } from '../../../../shared/dicom/small-data-set.ts';

const LITTLE = '1.2.840.10008.1.2.1';

async function read(constraint: string | undefined): Promise<string | undefined> {
  const reader = dicomReading.openReader(LITTLE);
  const said = constraint === undefined ? [] : [[0x0040_3001, constraint] as const];
  await reader.write(writeSmallDataSet(LITTLE, [[0x0008_0018, '1.2.3'], ...said]));
  return (await reader.end()).confidentiality;
}

t.test('an object that says how close it is kept is kept so', async (t) => {
  t.equal(await read(undefined), undefined);
  t.equal(await read(''), undefined);
  t.equal(await read('N'), undefined);
  t.equal(await read('Normal'), undefined);
  t.equal(await read('R'), 'R');
  t.equal(await read('very restricted'), 'V');
  t.equal(await read('Do not call out the name'), 'R', 'somebody meant something by it');
  t.equal(await read('Prison – Strafvollzug für Männer'), 'R');
});

t.test('orders and objects are read alike', async (t) => {
  for (const code of ['N', 'U', 'l', ' M ']) t.equal(readConfidentiality(code), 'N', code);
  for (const code of ['V', 'HIV', 'aid']) t.equal(readConfidentiality(code), 'V', code);
  for (const code of ['R', 'ETH', 'PSY', 'x']) t.equal(readConfidentiality(code), 'R', code);
  t.equal(readConfidentiality(' '), undefined);
});
