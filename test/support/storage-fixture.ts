/**
 * Storage of an edge in a temporary directory, and small data sets to send to it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEdgeConfig } from '../../edge/config.ts';
import { openEdgeDatabase } from '../../edge/database.ts';
import type { DimseStatus, StoreRequest } from '../../edge/dimse/service.ts';
import type { ObjectListener } from '../../edge/index/edge-index.ts';
import { KnownPatients } from '../../edge/index/records/known-patients.ts';
import { furtherParts } from '../../edge/schema-parts.ts';
import { dicomReading } from '../../edge/scp/dicom-reading.ts';
import type { ObjectReading } from '../../edge/scp/object-reading.ts';
import { type OpenStorage, openStorage } from '../../edge/scp/open-storage.ts';
import { type Clock, systemClock } from '../../shared/clock.ts';
import { type Log, silentLog } from '../../shared/log.ts';
import { openMetrics, type Registry } from '../../shared/metrics.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';

export const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';
export const CT_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.2';

/** What a small data set says, by keyword; absent: the element is absent. */
export interface SmallObject {
  SOPInstanceUID?: string;
  StudyInstanceUID?: string;
  SeriesInstanceUID?: string;
  PatientID?: string;
  IssuerOfPatientID?: string;
  PatientName?: string;
  PatientBirthDate?: string;
  StudyDate?: string;
  Modality?: string;
  pixels?: Buffer;
}

const TAGS = {
  SOPClassUID: [0x0008, 0x0016, 'UI'],
  SOPInstanceUID: [0x0008, 0x0018, 'UI'],
  StudyDate: [0x0008, 0x0020, 'DA'],
  Modality: [0x0008, 0x0060, 'CS'],
  PatientName: [0x0010, 0x0010, 'PN'],
  PatientID: [0x0010, 0x0020, 'LO'],
  IssuerOfPatientID: [0x0010, 0x0021, 'LO'],
  PatientBirthDate: [0x0010, 0x0030, 'DA'],
  StudyInstanceUID: [0x0020, 0x000d, 'UI'],
  SeriesInstanceUID: [0x0020, 0x000e, 'UI'],
} as const;

/** An object with everything that a study list needs; `over` replaces, `undefined` leaves out. */
export function smallObject(number: number, over: Partial<SmallObject> = {}): SmallObject {
  return {
    SOPInstanceUID: `2.999.1.${number}`,
    StudyInstanceUID: '2.999.7.1',
    SeriesInstanceUID: '2.999.7.1.1',
    PatientID: 'MRN1',
    PatientName: 'Phantom^One',
    PatientBirthDate: '19500102',
    StudyDate: '20260301',
    Modality: 'CT',
    pixels: Buffer.alloc(256, number),
    ...over,
  };
}

/** The bytes of a data set, explicit VR little endian. */
export function dataSetOf(object: SmallObject): Buffer {
  const values: Record<string, string | undefined> = { SOPClassUID: CT_IMAGE_STORAGE };
  for (const [keyword, value] of Object.entries(object)) {
    if (typeof value === 'string') values[keyword] = value;
  }
  const elements = Object.entries(TAGS).flatMap(([keyword, [group, element, vr]]) => {
    const value = values[keyword];
    if (value === undefined) return [];
    const pad = vr === 'UI' ? '\0' : ' ';
    const bytes = Buffer.from(value.length % 2 === 0 ? value : `${value}${pad}`, 'utf8');
    const head = Buffer.alloc(8);
    head.writeUInt16LE(group, 0);
    head.writeUInt16LE(element, 2);
    head.write(vr, 4, 'latin1');
    head.writeUInt16LE(bytes.length, 6);
    return [head, bytes];
  });
  const pixels = object.pixels ?? Buffer.alloc(0);
  const pixelHead = Buffer.from('e07f10004f57000000000000', 'hex');
  pixelHead.writeUInt32LE(pixels.length, 8);
  return Buffer.concat([...elements, pixelHead, pixels]);
}

export interface StorageFixture extends OpenStorage {
  readonly db: Sqlite;
  readonly dataDirectory: string;
  readonly metrics: Registry;
  /** Sends one object as a modality would, in chunks. @returns what it is answered */
  send(object: SmallObject, over?: SendOptions): Promise<DimseStatus>;
  sendBytes(bytes: Buffer, over?: SendOptions): Promise<DimseStatus>;
  close(): void;
}

export interface SendOptions {
  readonly callingAETitle?: string;
  readonly sopInstanceUID?: string;
  readonly sopClassUID?: string;
  readonly transferSyntaxUID?: string;
  readonly chunkBytes?: number;
}

export interface FixtureOptions {
  readonly dataDirectory: string;
  readonly reserveBytes?: number;
  readonly clock?: Clock;
  readonly log?: Log;
  readonly reading?: ObjectReading;
  readonly onStored?: (db: Sqlite) => ObjectListener;
}

export async function openStorageFixture(options: FixtureOptions): Promise<StorageFixture> {
  const { dataDirectory, reserveBytes = 0, clock = systemClock, log = silentLog } = options;
  const config = parseEdgeConfig({ trust: 'RRK', dataDirectory, storage: { reserveBytes } });
  const db = openEdgeDatabase(dataDirectory, furtherParts);
  const metrics = openMetrics({});
  const reading = options.reading ?? dicomReading;
  const onStored = options.onStored?.(db);
  const patients = new KnownPatients(db);
  const storage = await openStorage({
    inForce: (key) => patients.inForce(key),
    ...{ config, db, reading, clock, log, metrics },
    ...(onStored && { onStored }),
  });
  const sendBytes = async (bytes: Buffer, over: SendOptions = {}): Promise<DimseStatus> => {
    const sink = storage.store(storeRequest(over));
    const chunkBytes = over.chunkBytes ?? 16_384;
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      await sink.write(Buffer.from(bytes.subarray(at, at + chunkBytes)));
    }
    const { studyInstanceUID: _, ...answer } = await sink.end();
    return answer;
  };
  const close = (): void => {
    storage.outbox.stop();
    storage.spool.stop();
    db.close();
  };
  return {
    ...storage,
    db,
    dataDirectory,
    metrics,
    sendBytes,
    send: (object, over) =>
      sendBytes(dataSetOf(object), { sopInstanceUID: object.SOPInstanceUID ?? '', ...over }),
    close,
  };
}

export function storeRequest(over: SendOptions = {}): StoreRequest {
  return {
    peer: {
      associationId: 'a1',
      callingAETitle: over.callingAETitle ?? 'CT1',
      calledAETitle: 'CDIP_RRK',
      host: '127.0.0.1',
      tls: false,
    },
    sopClassUID: over.sopClassUID ?? CT_IMAGE_STORAGE,
    sopInstanceUID: over.sopInstanceUID ?? '2.999.1.1',
    transferSyntaxUID: over.transferSyntaxUID ?? EXPLICIT_LITTLE_ENDIAN,
  };
}

/** A directory that is gone after the test. */
export function temporaryDirectory(t: { teardown(remove: () => void): void }): string {
  const directory = mkdtempSync(join(tmpdir(), 'cdip-test-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
