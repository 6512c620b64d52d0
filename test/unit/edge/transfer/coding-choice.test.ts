/** Whether coding pays on a way, found by trying it there where it is not felt. edge/transfer/coding-choice.ts. */
import t from 'tap';
import { CodingChoice } from '../../../../edge/transfer/coding-choice.ts';

const MB = 1024 * 1024;
const HOUR_MS = 3_600_000;

/** A way that brings so many MB a second. */
class Way {
  nowMs = 0;
  coded: number;
  asItIs: number;
  readonly choice = new CodingChoice(() => this.nowMs);
  /** Of all that was sent. */
  sentAsItIs = 0;

  constructor(coded: number, asItIs: number) {
    this.coded = coded;
    this.asItIs = asItIs;
  }

  study(megabytes: number): void {
    const end = this.choice.begin();
    for (let at = 0; at < megabytes; at += 1) {
      const { isCoding } = this.choice;
      if (!isCoding) this.sentAsItIs += 1;
      this.nowMs += 1_000 / (isCoding ? this.coded : this.asItIs);
      this.choice.count(MB);
    }
    end();
    this.nowMs += 60_000;
  }
}

t.test('where the processor is the slower part, what comes next goes as it is', async (t) => {
  const way = new Way(60, 90);
  way.study(30);
  t.notOk(way.choice.isCoding);
  way.study(150);
  t.equal(way.sentAsItIs, 30 - 12 + 150);
});

t.test('on a line of 100 Mb/s a trial costs 6 MB an hour, however many studies go', async (t) => {
  const way = new Way(45, 12);
  for (let study = 0; study < 20; study += 1) way.study(150);
  t.equal(way.sentAsItIs, 6);
  way.nowMs += HOUR_MS;
  way.study(150);
  t.equal(way.sentAsItIs, 12);
});

t.test('on a slow line nothing is tried', async (t) => {
  const way = new Way(8, 2);
  for (let study = 0; study < 20; study += 1) way.study(150);
  t.equal(way.sentAsItIs, 0);
});

t.test(
  'a line that gets slower is coded for again at once, and is measured anew soon',
  async (t) => {
    const way = new Way(60, 90);
    way.study(30);
    way.asItIs = 12;
    way.study(150);
    t.ok(way.choice.isCoding);
    t.equal(way.sentAsItIs, 18 + 12, 'one stretch');
    way.asItIs = 90;
    way.study(30);
    t.notOk(way.choice.isCoding);
  },
);

t.test(
  'a pause is no part of a rate, and a trial that was cut short decides nothing',
  async (t) => {
    const way = new Way(60, 90);
    way.study(13);
    t.ok(way.choice.isCoding, 'the trial ended with the stream');
    way.nowMs += HOUR_MS;
    way.study(30);
    t.notOk(way.choice.isCoding);
  },
);
