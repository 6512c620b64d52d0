/**
 * The names that an edge says as they are: those of edge.yaml. Others are said by their digest, and stand with it on
 * the edge's page. shared/said-names.ts.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TEACHING_COLLECTION } from '../../shared/contract/teaching.ts';
import { isModality } from '../../shared/dicom/modality.ts';
import { type Say, sayer } from '../../shared/said-names.ts';
import { writeDurably } from '../../shared/write-durably.ts';
import type { EdgeConfig } from '../config.ts';

const KEY_BYTES = 32;
/** Names of this program itself. */
const OWN = ['STOW_LOCAL', TEACHING_COLLECTION];

export interface SaidNames {
  /** Of digests; it never leaves the edge. */
  readonly key: Uint8Array;
  /** AE titles, names of peers and of DICOMweb clients. */
  readonly caller: Say;
  /** MSH-3 and MSH-4, each for itself. */
  readonly hl7: Say;
  /** Null: no modality of the standard, whatever (0008,0060) says. */
  modality(code: string | null): string | null;
}

type Named = Pick<
  EdgeConfig,
  'trust' | 'dicom' | 'peers' | 'hl7' | 'ris' | 'dicomWeb' | 'destinations' | 'models' | 'projects'
>;

export function saidNames(config: Named, key: Uint8Array): SaidNames {
  const { trust, dicom, peers, hl7, ris, dicomWeb } = config;
  const { destinations, models, projects } = config;
  const titles = peers.flatMap(({ name, aeTitle, callingAETitle = aeTitle }) => [
    ...[name, aeTitle, callingAETitle],
  ]);
  const systems = hl7.sources.flatMap(({ sendingApplication = '', sendingFacility = '' }) => [
    ...[sendingApplication, sendingFacility],
  ]);
  const clients = dicomWeb.clients.map(({ name }) => name.slice(0, 16));
  const targets = [...destinations, ...models, ...projects].map(({ name }) => name);
  return {
    key,
    caller: sayer([dicom.aeTitle, ...titles, ...clients, ...targets, ...OWN], key),
    hl7: sayer([trust, ris?.application ?? '', ris?.facility ?? '', ...systems], key),
    modality: (code) => (code !== null && isModality(code) ? code : null),
  };
}

/**
 * The edge's key, made at its first start. One that can't be kept, for example on a full disk, is used all the same:
 * digests are others after the next start.
 */
export function openNameKey(dataDirectory: string): Uint8Array {
  const known = readKey(dataDirectory);
  if (known !== undefined) return known;
  const key = randomBytes(KEY_BYTES);
  try {
    mkdirSync(dataDirectory, { recursive: true, mode: 0o750 });
    writeDurably(keyFile(dataDirectory), key, 0o600);
  } catch {
    // Nothing waits for it.
  }
  return key;
}

/** For a command, which leaves the making to the edge. */
export const readNameKey = (dataDirectory: string): Uint8Array =>
  readKey(dataDirectory) ?? randomBytes(KEY_BYTES);

function readKey(dataDirectory: string): Uint8Array | undefined {
  try {
    const key = readFileSync(keyFile(dataDirectory));
    return key.length === KEY_BYTES ? key : undefined;
  } catch {
    return undefined;
  }
}

const keyFile = (dataDirectory: string): string => join(dataDirectory, 'names.key');
