/**
 * What storage needs of shared/dicom: the attributes of a data set while it streams by, and the
 * header of a Part 10 file. Passed in, so that storage depends on no parser.
 */
import type { InstanceAttributes } from '../index/attributes.ts';

/**
 * What an object says of itself; UIDs as in the data set, padding removed, '' when absent or empty.
 * `sopClassUID` '' means that the data set does not say.
 */
export type ReadAttributes = InstanceAttributes;

/** Reads one data set. */
export interface AttributesReader {
  /**
   * Takes the next bytes; gives a promise, and wants no more before it resolves, when they have to be
   * inflated. @throws, or rejects, for what is no data set in the announced transfer syntax
   */
  write(chunk: Buffer): Promise<void> | undefined;
  /** The data set ended. @throws, or rejects, when it ended too early, or was none */
  end(): ReadAttributes | Promise<ReadAttributes>;
  /** Frees what is held of a data set that did not end. */
  abort(): void;
}

export interface FileIdentity {
  readonly sopClassUID: string;
  readonly sopInstanceUID: string;
  readonly transferSyntaxUID: string;
}

export interface ObjectReading {
  openReader(transferSyntaxUID: string): AttributesReader;
  /** 128 zero bytes, "DICM", and the file meta information. PS3.10 §7.1. */
  fileHead(identity: FileIdentity): Buffer;
  /** What the file meta information says. @throws for a head that is none */
  readHead(head: Buffer): FileIdentity;
}
