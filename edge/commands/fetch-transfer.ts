/**
 * The first half of a fetch: what there is to bring, and bringing it.
 *
 *   retrieving ─ manifest ─► transferring ─ frames ─► staged, as received
 *
 * What is here already as the same copy is not brought again. After a failure the hub is asked for a fresh
 * ticket first: it may know another source by now.
 */
import { PRIORITIES } from '../../shared/contract/commands.ts';
import { fetchStudy } from '../transfer/fetch-study.ts';
import { manifestOf } from '../transfer/manifest.ts';
import type { Manifest, ManifestInstance } from '../transfer/protocol.ts';
import { StagingFolder } from '../transfer/staging.ts';
import { TransferError } from '../transfer/transfer-error.ts';
import type { FetchParts } from './fetch-parts.ts';
import type { FetchRow } from './fetch-row.ts';
import { ProgressMeter } from './progress-meter.ts';
import { FetchTicket } from './ticket-holder.ts';

const RELEASE_MS = 5_000;

/** Asks the source what the study holds. @throws TransferError */
export async function retrieve(
  parts: FetchParts,
  row: FetchRow,
  signal: AbortSignal,
): Promise<void> {
  const { store, index } = parts;
  const { fetchId, home, studyInstanceUID } = row;
  const manifest = await askManifest(parts, row, signal);
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

async function askManifest(
  parts: FetchParts,
  row: FetchRow,
  signal: AbortSignal,
): Promise<Manifest> {
  // Delivery of what this trust holds itself.
  const { studyInstanceUID, home } = row;
  const own =
    row.sourceTrust === parts.trust ? manifestOf(parts, { studyInstanceUID, home }) : undefined;
  if (own !== undefined) return own;
  const ticket = new FetchTicket(parts, row);
  const ask = () =>
    parts.client
      .manifest(ticket.address, { ticket: ticket.current(), signal, isImmediate: isImmediate(row) })
      .catch(expected);
  if (row.tries > 0) await ticket.renew();
  const first = await ask();
  if (!(first instanceof TransferError)) return first;
  if (first.code !== 'TICKET_EXPIRED') throw first;
  // Here the manifest is asked for anyway: another source is as good.
  if (!(await ticket.renew()) && !ticket.hasMoved) throw withRefusal(first, ticket);
  const second = await ask();
  if (second instanceof TransferError) throw second;
  return second;
}

/**
 * Stages what is wanted. What can't be had fails by name, the rest goes on.
 *
 * @returns false when the study has to be asked of another source
 * @throws TransferError, SpoolError
 */
export async function transfer(
  parts: FetchParts,
  row: FetchRow,
  signal: AbortSignal,
): Promise<boolean> {
  const { store, client, spool, reading, now, random, counters } = parts;
  const { fetchId } = row;
  const wanted = store.instances(fetchId, 'wanted');
  if (wanted.length === 0) return true;
  const ticket = new FetchTicket(parts, row);
  if (row.tries > 0) await ticket.renew();
  if (ticket.hasMoved) return moveOn(parts, row);
  const staging = new StagingFolder(spool, fetchId);
  const meter = new ProgressMeter(parts, row, store.counts(fetchId, 'filed'));
  meter.addStaged(await stagedOf(staging, wanted));
  try {
    const failures = await fetchStudy({
      ...{ client, source: ticket.address, ticket, wanted, staging, now, random, signal },
      isImmediate: isImmediate(row),
      fileHead: (instance) => reading.fileHead(instance),
      lanes: parts.lanes.of(ticket.address.url),
      onStaged: ({ bytes }) => {
        counters.staged(bytes);
        meter.countStaged();
      },
      onBytes: (bytes) => meter.addBytes(bytes),
      onWire: (bytes) => {
        counters.wire(bytes);
        parts.turns.count(row.priority, bytes);
        return parts.line.admit('in', bytes, row.priority);
      },
      onAgain: (code) => counters.again(code),
    });
    for (const failure of failures) store.markFailed(fetchId, failure);
    release(parts, ticket);
  } catch (error) {
    if (ticket.hasMoved && !signal.aborted) return moveOn(parts, row);
    const isExpired = error instanceof TransferError && error.code === 'TICKET_EXPIRED';
    throw isExpired ? withRefusal(error, ticket) : error;
  } finally {
    meter.tell();
  }
  return true;
}

/** Said once: a source that does not hear it ends the ticket's use by itself. */
function release({ client }: FetchParts, ticket: FetchTicket): void {
  const signal = AbortSignal.timeout(RELEASE_MS);
  client.release(ticket.address, { ticket: ticket.current(), signal }).catch(expected);
}

const isImmediate = ({ priority }: FetchRow): boolean => PRIORITIES[priority] === 'immediate';

/** What was staged stays: another source has the same objects, unless it changed them. */
function moveOn({ store }: FetchParts, { fetchId }: FetchRow): boolean {
  store.begin(fetchId, 'retrieving');
  return false;
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

function expected(error: unknown): TransferError {
  if (error instanceof TransferError) return error;
  throw error;
}

function withRefusal(error: TransferError, { refusal }: FetchTicket): TransferError {
  if (refusal === null) return error;
  const message = `the ticket has run out, and the hub gives no fresh one: ${refusal}`;
  return new TransferError('TICKET_EXPIRED', message, { cause: error });
}
