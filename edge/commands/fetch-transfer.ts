/**
 * The first half of a fetch: what there is to bring, and bringing it.
 *
 *   retrieving ─ manifest ─► transferring ─ frames ─► staged, as received ─► whose patient?
 */
import type { TicketReply } from '../../shared/contract/rpc.ts';
import { codeOf } from '../../shared/errors.ts';
import { fetchStudy, type TicketHolder } from '../transfer/fetch-study.ts';
import type { ManifestInstance } from '../transfer/protocol.ts';
import type { StudyAddress } from '../transfer/source-client.ts';
import { StagingFolder } from '../transfer/staging.ts';
import { TransferError } from '../transfer/transfer-error.ts';
import type { FetchParts } from './fetch-parts.ts';
import type { FetchRow } from './fetch-row.ts';
import { ProgressMeter } from './progress-meter.ts';

/** Asks the source what the study holds; what is here already as the same copy is not brought again. */
export async function retrieve(
  parts: FetchParts,
  row: FetchRow,
  signal: AbortSignal,
): Promise<void> {
  const { store, client, index } = parts;
  const { fetchId, home, studyInstanceUID } = row;
  const ticket = ticketHolder(parts, row);
  const ask = () => client.manifest(ticket.address(), { ticket: ticket.current(), signal });
  const manifest = await ask().catch(async (error: unknown) => {
    const isExpired = error instanceof TransferError && error.code === 'TICKET_EXPIRED';
    if (!isExpired || !(await ticket.renew())) throw error;
    return ask();
  });
  const wanted = manifest.instances.filter(
    ({ seriesInstanceUID }) => row.seriesInstanceUIDs?.includes(seriesInstanceUID) ?? true,
  );
  if (wanted.length === 0)
    throw new TransferError('STUDY_NOT_FOUND', 'the source holds nothing of what is wanted');
  const here = new Map(
    index
      .instancesOf({ studyInstanceUID, home })
      .map(({ sopInstanceUID, homeDigest }) => [sopInstanceUID, homeDigest]),
  );
  store.begin(fetchId, 'transferring', () =>
    store.setManifest(
      fetchId,
      manifest.patient,
      wanted.map((instance) => ({
        ...instance,
        state: here.get(instance.sopInstanceUID) === instance.homeDigest ? 'filed' : 'wanted',
      })),
    ),
  );
}

/** Stages what is wanted. What can't be had fails by name, the rest goes on. */
export async function transfer(
  parts: FetchParts,
  row: FetchRow,
  signal: AbortSignal,
): Promise<void> {
  const { store, client, spool, reading, now, random } = parts;
  const { fetchId } = row;
  const ticket = ticketHolder(parts, row);
  const wanted = store.instances(fetchId, 'wanted');
  const meter = new ProgressMeter(parts, row, store.counts(fetchId, 'filed'));
  const staging = new StagingFolder(spool, fetchId);
  meter.addStaged(await stagedOf(staging, wanted));
  const failures = await fetchStudy({
    client: {
      // The address may be another one once a ticket was renewed.
      instances: (_source, options) => client.instances(ticket.address(), options),
    },
    source: ticket.address(),
    ticket,
    wanted,
    staging,
    fileHead: (instance) => reading.fileHead(instance),
    now,
    random,
    signal,
    onStaged: () => meter.count(),
    onBytes: (bytes) => meter.add(bytes),
  });
  for (const failure of failures) store.markFailed(fetchId, failure);
  meter.tell();
}

async function stagedOf(
  staging: StagingFolder,
  wanted: readonly ManifestInstance[],
): Promise<ManifestInstance[]> {
  staging.open();
  const staged: ManifestInstance[] = [];
  for (const instance of wanted) {
    if ((await staging.find(instance)) !== undefined) staged.push(instance);
  }
  return staged;
}

/** The ticket in force; a fresh one is kept with the fetch. */
function ticketHolder(
  { store, requestTicket }: FetchParts,
  { fetchId, studyInstanceUID, home }: FetchRow,
): TicketHolder & { address(): StudyAddress } {
  const row = (): FetchRow | undefined => store.find(fetchId);
  return {
    current: () => row()?.ticket ?? '',
    address: () => ({ url: row()?.sourceUrl ?? '', studyInstanceUID, home }),
    async renew() {
      const reply: TicketReply = await requestTicket(fetchId).catch((error: unknown) => ({
        error: { code: codeOf(error), detail: '' },
      }));
      if ('error' in reply) return false;
      store.setTicket(fetchId, { ticket: reply.ticket, url: reply.source.url });
      return true;
    },
  };
}
