/** The short run of `npm run chaos`. */
import t from 'tap';
import { missingPeer } from '../support/missing-peer.ts';
import { runChaos } from './chaos-run.ts';

const KILLS = 50;

t.test(
  `${KILLS} kills under load lose nothing`,
  { skip: missingPeer('nats-server'), timeout: 900_000 },
  async (t) => {
    const say = (text: string): void => t.comment(text);
    const outcome = await runChaos({ directory: t.testdir(), kills: KILLS, seed: 'ci', say });
    t.comment(JSON.stringify(outcome));
    t.strictSame(outcome.lost, []);
    t.ok(outcome.acknowledged > 200, `${outcome.acknowledged} objects were acknowledged`);
  },
);
