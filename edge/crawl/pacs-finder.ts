/**
 * Asks one PACS by C-FIND, over an association that is kept while there is more to ask. PS3.4 C.4.1.
 *
 *   ask(identifier) ─► answers, and how they ended: whole │ cut │ late │ refused
 */
import { codeOf } from '../../shared/errors.ts';
import type { Peer } from '../config.ts';
import { openAssociation, scuPeer } from '../dimse/scu.ts';
import type { ScuAssociation } from '../dimse/scu-association.ts';
import { CrawlError } from './crawl-error.ts';

/** Patient Root, for a PACS that knows no other: many take a query at STUDY level without a patient. */
const FIND_CLASSES = ['1.2.840.10008.5.1.4.1.2.2.1', '1.2.840.10008.5.1.4.1.2.1.1'] as const;
const SYNTAXES = ['1.2.840.10008.1.2.1', '1.2.840.10008.1.2'];
/** A response that takes longer does not come: less is asked for then. */
const RESPONSE_MS = 60_000;

/**
 * - `whole`   — success: all there is, or as many as the PACS ever gives
 * - `cut`     — it says itself that there is more (A7xxH, a warning), or fails after some
 * - `late`    — nothing came for too long, or it broke off
 * - `refused` — it answered nothing but a failure
 */
export interface Answers {
  readonly end: 'whole' | 'cut' | 'late' | 'refused';
  readonly status: number | undefined;
  readonly identifiers: readonly Buffer[];
  readonly transferSyntaxUID: string;
}

export interface FinderOptions {
  readonly peer: Peer;
  readonly ownAETitle: string;
  readonly signal: AbortSignal;
  readonly responseMs?: number;
}

export class PacsFinder {
  readonly #options: FinderOptions;
  #open: { readonly association: ScuAssociation; readonly sopClassUID: string } | undefined;

  constructor(options: FinderOptions) {
    this.#options = options;
  }

  /**
   * @param identifierFor in the transfer syntax that was agreed on
   * @throws UlError when the PACS can't be reached; CrawlError when it takes no queries
   */
  async ask(identifierFor: (transferSyntaxUID: string) => Buffer): Promise<Answers> {
    const { association, sopClassUID } = await this.#associated();
    const transferSyntaxUID = association.contextFor(sopClassUID)?.transferSyntaxUID ?? '';
    try {
      const { status, identifiers } = await association.find(
        sopClassUID,
        identifierFor(transferSyntaxUID),
        this.#options.signal,
      );
      const end = endOf(status, identifiers.length);
      return { end, status, identifiers, transferSyntaxUID };
    } catch (error) {
      this.#open = undefined;
      if (!ENDED.has(codeOf(error))) throw error;
      return { end: 'late', status: undefined, identifiers: [], transferSyntaxUID };
    }
  }

  /** The PACS has its association back until there is more to ask. */
  async release(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.association.release().catch(() => {});
  }

  async #associated(): Promise<{ association: ScuAssociation; sopClassUID: string }> {
    if (this.#open !== undefined) return this.#open;
    const { peer, ownAETitle, signal, responseMs = RESPONSE_MS } = this.#options;
    const contexts = FIND_CLASSES.map((abstractSyntaxUID) => ({
      abstractSyntaxUID,
      transferSyntaxUIDs: SYNTAXES,
    }));
    const association = await openAssociation({
      ...{ peer: scuPeer(peer, ownAETitle), contexts, signal, responseMs },
    });
    const sopClassUID = FIND_CLASSES.find((uid) => association.contextFor(uid) !== undefined);
    if (sopClassUID === undefined) {
      await association.release();
      throw new CrawlError(
        'FIND_NOT_ACCEPTED',
        `${peer.aeTitle} takes no C-FIND from us: allow our AE title to query in the PACS`,
      );
    }
    this.#open = { association, sopClassUID };
    return this.#open;
  }
}

const ENDED = new Set(['RESPONSE_TIMEOUT', 'RESPONSE_MALFORMED', 'ASSOCIATION_ENDED']);

function endOf(status: number, count: number): Answers['end'] {
  if (status === 0) return 'whole';
  const isResources = status >> 8 === 0xa7;
  const isWarning = status >> 12 === 0xb;
  return isResources || isWarning || count > 0 ? 'cut' : 'refused';
}
