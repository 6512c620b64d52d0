/**
 * Stands in for root of an edge's machine, where no dpkg and no systemd are: a build is a copy of this program under
 * another version, installing it is to name its folder in a file, and the edge is started from the folder named there.
 * It reads requests and writes outcomes as `installers/debian/cdip-edge-upgrade` does; that one, with its signatures, is
 * tested in test/system/upgrade-command.test.ts and appliance.ts.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { CommandPlace } from './cdip.ts';
import type { Edge } from './edge.ts';

const TREE = join(import.meta.dirname, '..', '..');
const LOOK_MS = 100;

/** A build as the hub sends it, and the program that it stands for. */
export interface Build {
  readonly version: string;
  readonly folder: string;
  /** A package of Debian, without the program in it. */
  readonly deb: string;
}

/** @param change breaks it, say */
export function makeBuild(
  directory: string,
  version: string,
  change: (folder: string) => void = () => {},
): Build {
  const folder = join(directory, version);
  mkdirSync(folder, { recursive: true });
  for (const part of ['bin', 'edge', 'hub', 'shared'])
    cpSync(join(TREE, part), join(folder, part), { recursive: true });
  symlinkSync(join(TREE, 'node_modules'), join(folder, 'node_modules'));
  const own = JSON.parse(readFileSync(join(TREE, 'package.json'), 'utf8')) as object;
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...own, version }));
  change(folder);
  const stage = join(directory, `${version}-deb`);
  mkdirSync(join(stage, 'DEBIAN'), { recursive: true });
  writeFileSync(
    join(stage, 'DEBIAN/control'),
    `Package: cdip-edge\nVersion: ${version}\nArchitecture: all\nMaintainer: none\nDescription: a build\n`,
  );
  execFileSync('dpkg-deb', ['-Zgzip', '-b', stage, `${stage}.deb`], { stdio: 'ignore' });
  return { version, folder, deb: `${stage}.deb` };
}

export class StandInRoot {
  readonly #installed: string;
  readonly #builds: readonly Build[];
  #edge: Edge | undefined;
  #running: Promise<void> = Promise.resolve();
  #isStopping = false;

  constructor(directory: string, builds: readonly Build[]) {
    mkdirSync(directory, { recursive: true });
    this.#installed = join(directory, 'installed');
    this.#builds = builds;
    writeFileSync(this.#installed, TREE);
  }

  /** Starts the edge from what is installed. */
  get within(): CommandPlace {
    const script = `exec "$(cat '${this.#installed}')/bin/cdip" "$@"`;
    return (_cdip, ...args) => ['sh', ['-c', script, 'sh', ...args]];
  }

  watch(edge: Edge): void {
    this.#edge = edge;
    this.#running = this.#watch(edge);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
    await this.#edge?.stop();
  }

  async #watch(edge: Edge): Promise<void> {
    const request = join(edge.dataDirectory, 'upgrade/request');
    while (!this.#isStopping) {
      if (existsSync(request)) await this.#install(edge, request);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  async #install(edge: Edge, request: string): Promise<void> {
    const [order = '', sha256, version] = readFileSync(request, 'utf8').trim().split(' ');
    const deb = readFileSync(join(edge.dataDirectory, 'upgrade/release.deb'));
    const isWhole = createHash('sha256').update(deb).digest('hex') === sha256;
    const build = this.#builds.find((one) => one.version === version);
    const told = (state: string, code = ''): void => {
      const folder = `${edge.dataDirectory}-edge-upgrade`;
      mkdirSync(folder, { recursive: true });
      const outcome = { order, state, code, detail: code === '' ? '' : 'as the stand-in found it' };
      writeFileSync(join(folder, 'outcome.json'), JSON.stringify(outcome));
      rmSync(request);
    };
    if (!isWhole || build === undefined) return told('refused', 'RELEASE_DAMAGED');
    const before = readFileSync(this.#installed, 'utf8');
    await edge.stop();
    writeFileSync(this.#installed, build.folder);
    try {
      await edge.start();
      told('done');
    } catch {
      writeFileSync(this.#installed, before);
      await edge.start();
      told('returned', 'NOT_READY');
    }
  }
}
