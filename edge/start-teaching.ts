/** Teaching files, put together. The collection is there before commands, HTTP and outbox ask for it. */
import type { Sqlite } from '../shared/sqlite/open.ts';
import { Gate } from './route/gate.ts';
import { dicomReading } from './scp/dicom-reading.ts';
import type { OpenStorage } from './scp/open-storage.ts';
import type { StartOptions } from './start-options.ts';
import { CaseStore } from './teaching/case-store.ts';
import { Collection } from './teaching/collection.ts';
import { type DeskOptions, TeachingDesk } from './teaching/desk.ts';
import type { CodecThreads } from './transcode/codec-threads.ts';

/** Teaching files that are told again in one transaction. */
const ANNOUNCED_TOGETHER = 200;

export interface Teaching {
  readonly store: CaseStore;
  readonly collection: Collection;
}

export async function openTeaching(
  { config, clock, log, lifecycle }: StartOptions,
  parts: { db: Sqlite; storage: OpenStorage; decoder: CodecThreads },
): Promise<Teaching> {
  const { db, decoder, storage } = parts;
  const { reserveBytes } = config.storage;
  const collection = await Collection.open({
    ...{ dataDirectory: config.dataDirectory, reserveBytes, decoder, clock, log },
    reading: dicomReading,
  });
  lifecycle.add('teaching collection', () => collection.stop());
  const store = new CaseStore({
    db,
    now: () => clock.now(),
    studyOf: (newStudyUID) => collection.study(newStudyUID),
    tell: (body) => storage.outbox.appendTeaching(body),
  });
  storage.outbox.alsoAnnounce(() => store.everything(ANNOUNCED_TOGETHER));
  return { store, collection };
}

export function startTeaching(
  { config, clock, log, lifecycle }: StartOptions,
  parts: Teaching &
    Pick<DeskOptions, 'db' | 'pacs' | 'transcoder'> & { readonly storage: OpenStorage },
): void {
  const { trust, projects, secondaryUse, storage } = config;
  const { index, spool } = parts.storage;
  const desk = new TeachingDesk({
    ...{ ...parts, trust, projects, index, spool, log, now: () => clock.now() },
    gate: new Gate(parts.db, projects, secondaryUse),
    quietMs: storage.quietSeconds * 1000,
  });
  desk.start();
  lifecycle.add('teaching files', () => desk.stop());
}
