/** What rules say of an object, one by one and in their order. */
import t from 'tap';
import { parseEdgeConfig } from '../../../../edge/config.ts';
import { RuleSet } from '../../../../edge/route/decide.ts';
import type { ObjectFacts } from '../../../../edge/route/facts.ts';
import { tagOfName } from '../../../../shared/dicom/keywords.ts';

const NIGHT = Date.parse('2026-07-04T21:30:00Z'); // Saturday, 22:30 in London

function facts(
  attributes: Record<string, string> = {},
  over: Partial<ObjectFacts> = {},
): ObjectFacts {
  const values = new Map(
    Object.entries(attributes).map(([name, value]) => [tagOfName(name), value]),
  );
  return {
    ...{ sopInstanceUID: '2.999.1.1', sopClassUID: '1.2.840.10008.5.1.4.1.1.2' },
    ...{ transferSyntaxUID: '1.2.840.10008.1.2.1', path: 'x', dataSetOffset: 0, dataSetBytes: 500 },
    ...{ callingAETitle: 'CT1', receivedAt: NIGHT, seriesInstanceUID: '2.999.2', modality: 'CT' },
    ...{ seriesDescription: null, bodyPart: null, studyInstanceUID: '2.999.3' },
    ...{
      studyDescription: null,
      studyDate: null,
      institution: null,
      patientId: 'MRN1',
      issuer: 'RRK',
    },
    ...{ nhsNumber: null, studyBytes: 2_000, studyObjects: 4 },
    text: (tag) => values.get(tag) ?? '',
    ...over,
  };
}

const config = (routes: readonly object[]) =>
  parseEdgeConfig({
    ...{ trust: 'RRK', dataDirectory: '/nowhere', routes },
    peers: [
      { name: 'pacs', aeTitle: 'PACS', host: 'h', port: 104, role: 'pacs' },
      { name: 'other', aeTitle: 'OTHER', host: 'h', port: 104, role: 'archive' },
    ],
  });

const acts = (when: object, object = facts(), unless?: object): boolean => {
  const rule = { name: 'r', when, action: 'deliver', to: ['pacs'], ...(unless && { unless }) };
  return new RuleSet(config([rule])).decide(object).sends.length === 1;
};

t.test('conditions', async (t) => {
  const head = facts({
    Modality: 'CT',
    StudyDescription: 'CT Head (trauma)',
    ImageType: 'ORIGINAL\\PRIMARY',
  });
  t.ok(acts({}, head), 'none: always');
  t.ok(acts({ attributes: { Modality: 'ct' } }, head), 'case does not count');
  t.ok(acts({ attributes: { Modality: ['MR', 'CT'] } }, head), 'one of several values');
  t.notOk(acts({ attributes: { Modality: 'C' } }, head), 'a part is not the whole');
  t.ok(acts({ attributes: { StudyDescription: '*head (tr?uma)' } }, head), 'wildcards');
  t.notOk(acts({ attributes: { Modality: 'CT', BodyPartExamined: '?*' } }, head), 'all are needed');
  t.ok(acts({ attributes: { ImageType: 'PRIMARY' } }, head), 'any value of several');
  t.ok(acts({ attributes: { '(0008,1030)': '*Head*' } }, head), 'a tag');
  t.ok(acts({ attributes: { SliceThickness: { max: 1 } } }, facts({ SliceThickness: '0.75' })));
  t.notOk(acts({ attributes: { SliceThickness: { max: 1 } } }, head), 'absent is not small');
  t.ok(acts({ callers: ['CT*'] }));
  t.notOk(acts({ callers: ['MR*'] }));
  t.ok(
    acts({
      objectBytes: { min: 500 },
      studyBytes: { max: 2_000 },
      studyObjects: { min: 4, max: 4 },
    }),
  );
  t.notOk(acts({ studyObjects: { min: 5 } }));
  t.notOk(acts({}, head, { attributes: { Modality: 'CT' } }), 'excluded');
  t.ok(
    acts({}, head, { attributes: { Modality: 'CT', BodyPartExamined: 'KNEE' } }),
    'not all excluded',
  );
});

t.test('hours are those of London, and of the day on which they begin', async (t) => {
  const at = (time: string) => facts({}, { receivedAt: Date.parse(time) });
  const night = { received: { from: '22:00', to: '06:00', days: ['sat'] } };
  t.ok(acts(night, at('2026-07-04T21:30:00Z')), 'Saturday 22:30, summer time');
  t.ok(acts(night, at('2026-07-05T04:59:00Z')), 'Sunday 05:59');
  t.notOk(acts(night, at('2026-07-05T05:00:00Z')), 'Sunday 06:00');
  t.notOk(acts(night, at('2026-07-04T04:00:00Z')), 'Saturday early: Friday night');
  t.notOk(acts(night, at('2026-01-10T21:30:00Z')), 'Saturday 21:30, winter time');
  t.ok(acts({ received: { from: '08:00', to: '18:00' } }, at('2026-01-10T08:00:00Z')));
});

t.test('priorities rise and never fall', async (t) => {
  const rules = new RuleSet(
    config([
      { name: 'first', action: 'deliver', to: ['other'] },
      { name: 'up', action: 'prioritise', priority: 'urgent' },
      { name: 'down', action: 'prioritise', priority: 'bulk' },
      { name: 'second', action: 'deliver', to: ['pacs', 'other'] },
    ]),
  );
  const { sends } = rules.decide(facts());
  t.match(sends, [
    { to: 'other', rule: 'first', priority: 2 },
    { to: 'pacs', rule: 'second', priority: 1 },
  ]);
  t.equal(sends.length, 2, 'once to each');
});

t.test('held is what comes below; a drop ends it', async (t) => {
  const rules = new RuleSet(
    config([
      { name: 'before', action: 'deliver', to: ['other'] },
      { name: 'look', action: 'hold', reason: 'odd' },
      { name: 'below', action: 'deliver', to: ['pacs'] },
      { name: 'stop', action: 'drop', reason: 'enough' },
      { name: 'never', action: 'deliver', to: ['pacs'] },
    ]),
  );
  const { sends, steps } = rules.decide(facts());
  t.match(sends, [
    { to: 'other', held: null },
    { to: 'pacs', held: 'odd' },
  ]);
  t.strictSame(
    steps.map(({ rule }) => rule),
    ['before', 'look', 'below', 'stop'],
  );
});

t.test('nothing is sent back to who sent it', async (t) => {
  const rules = new RuleSet(config([{ name: 'all', action: 'deliver', to: ['pacs', 'other'] }]));
  t.match(rules.decide(facts({}, { callingAETitle: 'PACS' })).sends, [{ to: 'other' }]);
});

t.test('other rules have another version, the same rules the same', async (t) => {
  const version = (reason: string) =>
    new RuleSet(config([{ name: 'stop', action: 'drop', reason }])).version;
  t.equal(version('a'), version('a'));
  t.not(version('a'), version('b'));
});

t.test('all faults of rules are named at once', async (t) => {
  const faultsOf = (routes: readonly object[]): string => {
    try {
      config(routes);
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  const wrongKeyword = { attributes: { Modalty: 'CT' } };
  const unread = faultsOf([{ name: 'b', when: wrongKeyword, action: 'drop', reason: 'x' }]);
  t.match(unread, /routes\[0\]\.when\.attributes/);
  const misnamed = faultsOf([
    { name: 'a', action: 'deliver', to: ['nobody'] },
    { name: 'a', action: 'drop', reason: 'x' },
  ]);
  t.match(misnamed, 'nothing is named "nobody"');
  t.match(misnamed, '"a" is taken');
});
