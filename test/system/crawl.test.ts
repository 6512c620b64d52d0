/** A PACS of 20,000 studies that tells 500 at once: the hub knows them all, over kill -9 of the edge. */
import t from 'tap';
import { cdipDone } from '../support/cdip.ts';
import { eventually } from '../support/eventually.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { startNetwork } from '../support/network.ts';
import { type HeldStudy, startPacsStandIn } from '../support/pacs-stand-in.ts';

const STUDIES = 20_000;
const CAP = 500;
const DAY_MS = 86_400_000;
const TODAY = Date.now();

interface TrustRow {
  readonly here: { readonly studies: number; readonly instances: number };
  readonly equal: boolean | null;
  readonly crawl: readonly { readonly studies: number; readonly history: boolean }[];
}

const dayBefore = (days: number): string =>
  new Date(TODAY - days * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '');

/** Over three years; one day of 3,000, of which 1,200 in one minute. */
function heldStudy(number: number): HeldStudy {
  const isBusy = number < 3_000;
  const hour = String(number % 24).padStart(2, '0');
  const minute = String(number % 60).padStart(2, '0');
  return {
    uid: `2.999.20.${number}`,
    date: dayBefore(isBusy ? 200 : 1 + (number % 1_100)),
    time: number < 1_200 ? '091500' : `${hour}${minute}00`,
    modality: ['CT', 'MR', 'DX', 'US', 'MG'][number % 5] ?? '',
    ...{ patientId: `MRN${number % 9_000}`, name: `PATIENT^${number % 9_000}` },
    ...{ series: 1, instances: 2 },
  };
}

t.test(
  'a capped PACS of 20,000 studies is known whole, over kill -9 in the middle',
  { skip: missingPeer('nats-server'), timeout: 600_000 },
  async (t) => {
    const pacs = await startPacsStandIn(
      Array.from({ length: STUDIES }, (_, at) => heldStudy(at)),
      {
        cap: CAP,
      },
    );
    t.teardown(() => pacs.stop());
    const network = await startNetwork({
      ...{ directory: t.testdir(), trusts: ['RRK'], withPacs: false },
      edgeConfig: () => ({
        peers: [
          { name: 'main-pacs', aeTitle: 'PACS', host: '127.0.0.1', port: pacs.port, role: 'pacs' },
        ],
        crawl: { queriesPerMinute: 6_000, busyHours: { from: 0, to: 0 }, earliestYear: 2010 },
      }),
    });
    t.teardown(() => network.stop());
    const { edge } = network.site('RRK');
    const trust = async (): Promise<TrustRow | undefined> => {
      const { body } = await network.hub.api<{ trusts: TrustRow[] }>('/api/completeness');
      return body.trusts[0];
    };
    const status = async (): Promise<{ crawl: TrustRow['crawl']; index: { studies: number } }> =>
      JSON.parse(await cdipDone(['edge', 'status', '--json', '--config', edge.configFile]));

    await eventually('some are known', () => pacs.queries() > 40, { timeoutMs: 120_000 });
    await edge.kill9();
    const before = await status();
    t.ok(before.index.studies > 0 && before.index.studies < STUDIES, 'killed in the middle');
    const asked = pacs.queries();
    await edge.start();
    const whole = await eventually(
      'the hub holds all of them',
      async () => {
        const row = await trust();
        return row?.here.studies === STUDIES && row.equal === true && row.crawl[0]?.history
          ? row
          : undefined;
      },
      { timeoutMs: 400_000, everyMs: 1_000 },
    );
    t.equal(whole.here.instances, 2 * STUDIES);
    t.match(whole.crawl, [{ studies: STUDIES, history: true, cutDays: 0, reason: null }]);
    t.comment(`${asked} queries before the kill, ${pacs.queries() - asked} after it`);
    t.match(await status(), { index: { studies: STUDIES, nearline: STUDIES } });
    const page = await fetch(edge.url).then((response) => response.text());
    t.match(page, /What the PACS holds/);
    t.match(page, /all of the past/);

    const { body } = await network.hub.api<{ availability: string; numberOfInstances: number }>(
      '/api/studies/2.999.20.17',
    );
    t.match(body, { availability: 'NEARLINE', numberOfInstances: 2, modalities: ['DX'] });
  },
);
