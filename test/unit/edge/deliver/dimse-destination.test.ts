/** What a destination holds, by C-FIND of peers that answer each in their own way. PS3.4 Annex C. */
import t, { type Test } from 'tap';
import { dimseDestinations } from '../../../../edge/deliver/dimse-destination.ts';
import { decodeIdentifier, encodeIdentifier } from '../../../../edge/dimse/identifier.ts';
import { freePort } from '../../../support/free-port.ts';
import { peerOf } from '../../../support/peer.ts';
import { type Request, type Script, startScriptedScp } from '../dimse/scripted-scp.ts';

const EXPLICIT = '1.2.840.10008.1.2.1';
const Level = 0x0008_0052;
const SOPInstanceUID = 0x0008_0018;
const SeriesInstanceUID = 0x0020_000e;
const STUDY_COUNT = 0x0020_1208;
const SERIES_COUNT = 0x0020_1209;

/** What a peer answers at each level: values of that element in its matches, a status, or the end. */
interface Answers {
  readonly IMAGE: Answer;
  readonly SERIES?: Answer;
  readonly STUDY?: Answer;
}
type Answer = readonly string[] | number | 'abort' | ((series: string) => readonly string[]);
const ELEMENT = { IMAGE: SOPInstanceUID, SERIES: SERIES_COUNT, STUDY: STUDY_COUNT } as const;

function answering(answers: Answers) {
  return ({ dataSet, respond, association }: Request): void => {
    const asked = decodeIdentifier(EXPLICIT, dataSet);
    const level = asked.get(Level) as keyof Answers;
    const answer = answers[level] ?? [];
    if (answer === 'abort') {
      association.abort();
      return;
    }
    for (const value of valuesOf(answer, asked.get(SeriesInstanceUID) ?? '')) {
      const element = { tag: ELEMENT[level], vr: level === 'IMAGE' ? 'UI' : 'IS', value };
      respond({ Status: 0xff00 }, encodeIdentifier(EXPLICIT, [element]));
    }
    respond({ Status: typeof answer === 'number' ? answer : 0 });
  };
}

function valuesOf(answer: Exclude<Answer, 'abort'>, series: string): readonly string[] {
  if (typeof answer === 'number') return [];
  return typeof answer === 'function' ? answer(series) : answer;
}

async function holding(t: Test, script: Script, series = ['2.999.1.1']) {
  const scp = await startScriptedScp(script);
  t.teardown(() => scp.stop());
  return holdingAt(scp.port, series);
}

function holdingAt(port: number, seriesInstanceUIDs = ['2.999.1.1']) {
  const study = { studyInstanceUID: '2.999.1', seriesInstanceUIDs };
  return dimseDestinations('CDIP_RRK').holding(
    peerOf({ port }),
    study,
    new AbortController().signal,
  );
}

const of = (answers: Answers): Script => ({ answer: answering(answers) });

t.test('the instances of every series that was asked for', async (t) => {
  const script = of({ IMAGE: (series) => [`${series}.1`, `${series}.2`] });
  t.strictSame(await holding(t, script, ['2.999.1.1', '2.999.1.2']), {
    kind: 'instances',
    sopInstanceUIDs: new Set(['2.999.1.1.1', '2.999.1.1.2', '2.999.1.2.1', '2.999.1.2.2']),
  });
});

t.test('a match that names no instance is none', async (t) => {
  const held = await holding(t, of({ IMAGE: ['', '1.2', ''] }));
  t.strictSame(held, { kind: 'instances', sopInstanceUIDs: new Set(['1.2']) });
});

t.test('a peer without IMAGE level is asked for the number of instances', async (t) => {
  for (const IMAGE of [0xa900, 0xc001, 'abort'] as const)
    t.strictSame(await holding(t, of({ IMAGE, STUDY: ['12 '] })), { kind: 'count', instances: 12 });
});

t.test(
  'success with nothing: the number that the series are said to have, else nothing',
  async (t) => {
    const nothing = { kind: 'instances', sopInstanceUIDs: new Set() };
    const series = ['2.999.1.1', '2.999.1.2'];
    t.strictSame(await holding(t, of({ IMAGE: [], SERIES: () => ['7'] }), series), {
      kind: 'count',
      instances: 14,
    });
    // Other series of the study prove nothing for the ones that were sent.
    t.strictSame(await holding(t, of({ IMAGE: [], SERIES: [], STUDY: ['500'] })), nothing);
    t.strictSame(await holding(t, of({ IMAGE: [''], SERIES: ['0'] })), nothing);
    t.strictSame(await holding(t, of({ IMAGE: [], SERIES: 0xa900 })), nothing);
    t.strictSame(await holding(t, of({ IMAGE: [], SERIES: 'abort' })), nothing);
  },
);

t.test('a peer that answers no question', async (t) => {
  const refusing = await holding(t, of({ IMAGE: 0xa900, STUDY: 0xa900 }));
  t.strictSame(refusing, { kind: 'unknown', code: 'FIND_A900' });
  const blank = await holding(t, of({ IMAGE: 0xa900, STUDY: ['many'] }));
  t.strictSame(blank, { kind: 'unknown', code: 'FIND_A900' });
  const gone = await holding(t, of({ IMAGE: 0xa900, STUDY: 'abort' }));
  t.strictSame(gone, { kind: 'unknown', code: 'FIND_A900' });
  const notTaken = await holding(t, { accepts: () => false });
  t.strictSame(notTaken, { kind: 'unknown', code: 'FIND_NOT_ACCEPTED' });
});

t.test('a peer in trouble is no answer: it is asked again', async (t) => {
  await t.rejects(holding(t, of({ IMAGE: 'abort', STUDY: 'abort' })), {
    code: 'ASSOCIATION_ENDED',
  });
  await t.rejects(holdingAt(await freePort()), { code: 'CONNECT_FAILED' });
});
