/** A retrieve from a PACS that fails in the ways of the field: field.md section 3, B17, B18, B19. */
import t, { type Test } from 'tap';
import { encodeIdentifier } from '../../../../edge/dimse/identifier.ts';
import type {
  MethodName,
  MethodRequest,
  RetrieveMethod,
} from '../../../../edge/retrieve/method.ts';
import { type RetrieveOutcome, retrieveOne } from '../../../../edge/retrieve/one-retrieve.ts';
import { RetrieveError } from '../../../../edge/retrieve/retrieve-error.ts';
import { Watchdog } from '../../../../edge/retrieve/watchdog.ts';

const EXPLICIT = '1.2.840.10008.1.2.1';
const STUDY = '2.999.7.1';
const SERIES = '2.999.7.1.1';
const UIDS = Array.from({ length: 100 }, (_, at) => `2.999.1.${at + 1}`);
const QUIET = { status: 0, completed: 0, failed: 0 };

const answer = (tag: number, value: string): Buffer =>
  encodeIdentifier(EXPLICIT, [{ tag, vr: 'UI', value }]);

interface Run {
  readonly outcome: RetrieveOutcome;
  readonly asked: readonly MethodRequest[];
  readonly failed: readonly string[];
}

/** @param methods what the PACS does; it is given what is here, and may add to it */
async function run(
  t: Test,
  methods: Partial<
    Record<MethodName, (here: Set<string>, request: MethodRequest) => Promise<void>>
  >,
): Promise<Run> {
  const here = new Set<string>();
  const asked: MethodRequest[] = [];
  const failed: string[] = [];
  const watchdog = new Watchdog({ stallMs: 200, deadlineMs: 60_000 });
  t.teardown(() => watchdog.stop());
  const by =
    (name: MethodName): RetrieveMethod =>
    async (request) => {
      asked.push(request);
      await methods[name]?.(here, request);
      return QUIET;
    };
  let level = 0;
  const outcome = await retrieveOne({
    peer: { name: 'main-pacs', aeTitle: 'PACS' } as MethodRequest['peer'],
    ...{ studyInstanceUID: STUDY, patientId: 'MRN1', expected: null, watchdog },
    // SERIES level first, then IMAGE level.
    ask: async () => {
      level += 1;
      const identifiers =
        level === 1 ? [answer(0x0020_000e, SERIES)] : UIDS.map((uid) => answer(0x0008_0018, uid));
      return { end: 'whole', status: 0, identifiers, transferSyntaxUID: EXPLICIT };
    },
    methods: ['c-get', 'c-move'],
    run: { 'wado-rs': by('wado-rs'), 'c-get': by('c-get'), 'c-move': by('c-move') },
    held: () => here,
    onMethod: () => {},
    onWorked: () => {},
    onFailed: (method, { code }) => void failed.push(`${method} ${code}`),
    onCounted: () => {},
  });
  return { outcome, asked, failed };
}

t.test('B17: of 100 objects 3 fail without a word; only those are asked for again', async (t) => {
  const { outcome, asked } = await run(t, {
    'c-get': async (here, { wanted }) => {
      const now = wanted.only === undefined ? UIDS.slice(3) : UIDS.slice(0, 3);
      for (const uid of now) here.add(uid);
    },
  });
  t.match(outcome, { state: 'whole', instances: 100, missing: [], reason: null });
  t.equal(asked.length, 2);
  t.strictSame([...(asked[1]?.wanted.only ?? [])], [[SERIES, UIDS.slice(0, 3)]]);
});

t.test('B17: what never comes is named, and the study is not whole', async (t) => {
  const { outcome } = await run(t, {
    'c-get': async (here) => {
      for (const uid of UIDS.slice(3)) here.add(uid);
    },
  });
  t.match(outcome, { state: 'partial', instances: 97, reason: { code: /RETRIEVE_/ } });
  t.strictSame(outcome.missing, UIDS.slice(0, 3));
});

t.test('B18: a PACS that goes silent holds nobody up, and the reason is said', async (t) => {
  const { outcome } = await run(t, {
    'c-get': (here, { signal }) => {
      here.add(UIDS[0] ?? '');
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new RetrieveError('RETRIEVE_REFUSED', 'x')));
      });
    },
  });
  t.match(outcome, { state: 'partial', instances: 1, reason: { code: 'RETRIEVE_STALLED' } });
});

t.test('B19: a PACS without C-GET is asked by C-MOVE', async (t) => {
  const { outcome, failed } = await run(t, {
    'c-get': async () => {
      throw new RetrieveError('RETRIEVE_REFUSED', 'PACS takes no C-GET');
    },
    'c-move': async (here) => {
      for (const uid of UIDS) here.add(uid);
    },
  });
  t.match(outcome, { state: 'whole', instances: 100 });
  t.strictSame(failed, ['c-get RETRIEVE_REFUSED']);
});

t.test('B19: success with nothing sent is a failure that says what to do', async (t) => {
  const { outcome, failed } = await run(t, {});
  t.match(outcome, { state: 'failed', instances: 0 });
  t.equal(outcome.reason?.code, 'RETRIEVE_NOTHING_CAME');
  t.match(outcome.reason?.detail, /host and port of our AE title/);
  t.strictSame(failed, ['c-get RETRIEVE_NOTHING_CAME', 'c-move RETRIEVE_NOTHING_CAME']);
});
