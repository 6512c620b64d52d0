/** An outbox with studies in it, on a clock that is set. */
import { openEdgeDatabase } from '../../../../edge/database.ts';
import { EdgeIndex } from '../../../../edge/index/edge-index.ts';
import { Outbox } from '../../../../edge/outbox/outbox.ts';
import type { Clock } from '../../../../shared/clock.ts';
import { temporaryDirectory } from '../../../support/storage-fixture.ts';
import { objectRecord } from '../index/object-record.ts';

export class SetClock implements Clock {
  ms = 1_700_000_000_000;
  now = (): number => this.ms;
  monotonicMs = (): number => this.ms;
}

export interface FilledOutbox {
  readonly outbox: Outbox;
  readonly clock: SetClock;
  /** One object of one study each, told at once. */
  fill(from: number, to: number): void;
  studiesFrom(afterRow: number): string[];
}

/** Empty, in epoch 1. */
export function openFilledOutbox(t: { teardown(done: () => void): void }): FilledOutbox {
  const db = openEdgeDatabase(temporaryDirectory(t));
  t.teardown(() => db.close());
  const clock = new SetClock();
  const index = new EdgeIndex({ db, trust: 'RRK', namespace: 'RRK' });
  const outbox = new Outbox({ db, index, clock, quietMs: 5_000 });
  outbox.beginEpoch();
  return {
    outbox,
    clock,
    fill(from, to) {
      for (let number = from; number < to; number += 1)
        index.recordInstance(
          objectRecord(number, { studyInstanceUID: `2.999.5.${number}` }),
          clock.now(),
        );
      clock.ms += 6_000;
      outbox.tick();
    },
    studiesFrom: (afterRow) =>
      outbox
        .next(afterRow, 10_000)
        .flatMap(({ body }) => (body.kind === 'study' ? [body.studyInstanceUID] : [])),
  };
}
