/**
 * The build that the hub told of last, and how far it is, in `<dataDirectory>/upgrade/`: read again after each start, also
 * by the build that it installed.
 *
 *   state.json      release.deb(.part), .sig      request ─► root (installers/debian/cdip-edge-upgrade) ─► outcome.json
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { UpgradeCommandSchema } from '../../shared/contract/commands.ts';
import { UpgradeToldSchema } from '../../shared/contract/releases.ts';
import { writeDurably } from '../../shared/write-durably.ts';

const StateSchema = UpgradeToldSchema.extend(
  UpgradeCommandSchema.pick({ sha256: true, bytes: true, signature: true }).shape,
);
export type UpgradeState = z.output<typeof StateSchema>;

/** As root writes it. */
const OutcomeSchema = z.object({
  order: z.string(),
  state: z.enum(['done', 'returned', 'refused']),
  code: z.string(),
  detail: z.string(),
});
type Outcome = z.output<typeof OutcomeSchema>;

/** What root calls it by. */
export const orderOf = ({ rollout, attempt }: { rollout: number; attempt: number }): string =>
  `${rollout}.${attempt}`;

export class UpgradeFiles {
  readonly deb: string;
  readonly #folder: string;
  readonly #outcome: string;

  constructor(dataDirectory: string) {
    this.#folder = join(dataDirectory, 'upgrade');
    this.deb = join(this.#folder, 'release.deb');
    // Beside the data directory, since it is root's: /var/lib/cdip-edge-upgrade.
    this.#outcome = join(`${dataDirectory.replace(/\/+$/, '')}-edge-upgrade`, 'outcome.json');
  }

  read(): UpgradeState | undefined {
    return parsed(StateSchema, join(this.#folder, 'state.json'));
  }

  /** Durable when it returns. */
  write(state: UpgradeState): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o750 });
    writeDurably(join(this.#folder, 'state.json'), `${JSON.stringify(state)}\n`);
  }

  /** Asks root to install what lies here. The request comes last: it is what root looks for. */
  ask(state: UpgradeState): void {
    writeDurably(`${this.deb}.sig`, Buffer.from(state.signature, 'base64'));
    const line = `${orderOf(state)} ${state.sha256} ${state.version}\n`;
    writeDurably(join(this.#folder, 'request'), line);
  }

  /** True until root is done with it. */
  get isAsked(): boolean {
    return existsSync(join(this.#folder, 'request'));
  }

  /** What root made of it; undefined: nothing yet. */
  outcomeOf(state: UpgradeState): Outcome | undefined {
    const outcome = parsed(OutcomeSchema, this.#outcome);
    return outcome?.order === orderOf(state) ? outcome : undefined;
  }

  /** Everything but the state goes. */
  clear(): void {
    for (const name of ['request', 'release.deb', 'release.deb.part', 'release.deb.sig'])
      rmSync(join(this.#folder, name), { force: true });
  }
}

function parsed<S extends z.ZodType>(schema: S, file: string): z.output<S> | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}
