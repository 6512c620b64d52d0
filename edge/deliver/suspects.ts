/**
 * Objects at which associations to one destination broke. One is to blame only when the destination took others
 * since: a PACS that accepts associations and aborts every C-STORE would else cost every study of its outage.
 *
 * Of this process alone: after a start, an object has to break the association once more.
 */
export class Suspects {
  /** Objects that the destination took. */
  #taken = 0;
  /** By SOP Instance UID: how many had been taken when it broke first. */
  readonly #since = new Map<string, number>();

  took(sopInstanceUID: string): void {
    this.#taken += 1;
    this.#since.delete(sopInstanceUID);
  }

  /** @returns true when others were taken since it broke first */
  broke(sopInstanceUID: string): boolean {
    const since = this.#since.get(sopInstanceUID);
    if (since === undefined) this.#since.set(sopInstanceUID, this.#taken);
    return since !== undefined && this.#taken > since;
  }

  forget(sopInstanceUID: string): void {
    this.#since.delete(sopInstanceUID);
  }
}
