/**
 * The ticket of one fetch, and the source that it opens. A fresh one is asked of the hub, which may name
 * another source meanwhile: the home fell silent, and somebody holds a copy.
 */
import { codeOf } from '../../shared/errors.ts';
import type { TicketHolder } from '../transfer/fetch-study.ts';
import type { StudyAddress } from '../transfer/source-client.ts';
import type { FetchParts } from './fetch-parts.ts';
import type { FetchRow } from './fetch-row.ts';

export class FetchTicket implements TicketHolder {
  readonly #parts: Pick<FetchParts, 'store' | 'requestTicket'>;
  readonly #row: FetchRow;
  #ticket: string;
  #trust: string;
  #url: string;
  /** True: another source is to be asked from now on, beginning with its manifest. */
  hasMoved = false;
  /** Why there is no fresh ticket; null: there is, or none was asked for. */
  refusal: string | null = null;

  constructor(parts: Pick<FetchParts, 'store' | 'requestTicket'>, row: FetchRow) {
    this.#parts = parts;
    this.#row = row;
    this.#ticket = row.ticket;
    this.#trust = row.sourceTrust;
    this.#url = row.sourceUrl;
  }

  current(): string {
    return this.#ticket;
  }

  get address(): StudyAddress {
    const { studyInstanceUID, home } = this.#row;
    return { trust: this.#trust, url: this.#url, studyInstanceUID, home };
  }

  /** @returns false when there is none now, or it is for another source */
  async renew(): Promise<boolean> {
    const { store, requestTicket } = this.#parts;
    const { fetchId } = this.#row;
    try {
      const reply = await requestTicket(fetchId);
      if ('error' in reply) {
        this.refusal = reply.error.code;
        return false;
      }
      const { ticket, source } = reply;
      this.refusal = null;
      this.hasMoved ||= source.trust !== this.#trust || source.url !== this.#url;
      this.#ticket = ticket;
      this.#trust = source.trust;
      this.#url = source.url;
      store.setTicket(fetchId, { ticket, trust: source.trust, url: source.url });
      return !this.hasMoved;
    } catch (error) {
      this.refusal = codeOf(error);
      return false;
    }
  }
}
