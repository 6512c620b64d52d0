/** In which order a study comes. edge/transfer/manifest.ts. */
import t from 'tap';
import { inOrderOfUse } from '../../../../edge/transfer/manifest.ts';

const CT = '1.2.840.10008.5.1.4.1.1.2';
const KEY_OBJECTS = '1.2.840.10008.5.1.4.1.1.88.59';
const REPORT = '1.2.840.10008.5.1.4.1.1.88.11';

const of = (seriesInstanceUID: string, sopClassUID: string, ...names: string[]) =>
  names.map((name) => ({ name, seriesInstanceUID, sopClassUID }));

t.test(
  'reports and key images come first, then the middle of each series, then outward',
  async (t) => {
    const instances = [
      ...of('1', CT, 'a1', 'a2', 'a3', 'a4', 'a5'),
      ...of('2', CT, 'b1', 'b2'),
      ...of('3', KEY_OBJECTS, 'key'),
      ...of('4', REPORT, 'report'),
    ];
    t.same(
      inOrderOfUse(instances).map(({ name }) => name),
      ['key', 'report', 'a3', 'b1', 'a4', 'a2', 'a5', 'a1', 'b2'],
    );
  },
);
