/**
 * Series and objects of a study, as the PACS that holds it lists them now. PS3.4 C.6.2.1, SERIES and IMAGE level.
 *
 *   study ─► the PACS known to hold most of it ─► C-FIND ─► values by tag │ undefined: it does not say
 */
import { codeOf, GatewayError } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { EdgeConfig } from '../config.ts';
import { PacsFinder } from '../crawl/pacs-finder.ts';
import type { PacsStudies } from '../crawl/pacs-studies.ts';
import { decodeIdentifier, encodeIdentifier } from '../dimse/identifier.ts';

/** A workstation waits for it. */
const RESPONSE_MS = 10_000;
const QueryRetrieveLevel = 0x0008_0052;
const StudyInstanceUID = 0x0020_000d;
const SeriesInstanceUID = 0x0020_000e;
const SOPInstanceUID = 0x0008_0018;

/** Asked for at each level: tag, VR. */
const KEYS = {
  SERIES: [
    [SeriesInstanceUID, 'UI'],
    [0x0008_0060, 'CS'],
    [0x0020_0011, 'IS'],
    [0x0008_103e, 'LO'],
    [0x0018_0015, 'CS'],
    [0x0020_1209, 'IS'],
  ],
  IMAGE: [
    [SOPInstanceUID, 'UI'],
    [0x0008_0016, 'UI'],
    [0x0020_0013, 'IS'],
  ],
} as const;

type Values = ReadonlyMap<number, string>;

export interface PacsListingOptions {
  readonly config: Pick<EdgeConfig, 'dicom' | 'peers'>;
  readonly studies: Pick<PacsStudies, 'peersWith'>;
  readonly log: Log;
}

export class PacsListing {
  readonly #options: PacsListingOptions;

  constructor(options: PacsListingOptions) {
    this.#options = options;
  }

  async series(
    studyInstanceUID: string,
  ): Promise<{ seriesInstanceUID: string; values: Values }[] | undefined> {
    const found = await this.#ask('SERIES', studyInstanceUID, []);
    return found?.map((values) => ({
      seriesInstanceUID: values.get(SeriesInstanceUID) ?? '',
      values,
    }));
  }

  instances(studyInstanceUID: string, seriesInstanceUID: string): Promise<Values[] | undefined> {
    return this.#ask('IMAGE', studyInstanceUID, [[SeriesInstanceUID, seriesInstanceUID]]);
  }

  /** Nothing at all is no answer of a PACS that is known to hold it. */
  async #ask(
    level: keyof typeof KEYS,
    studyInstanceUID: string,
    above: readonly (readonly [tag: number, uid: string])[],
  ): Promise<Values[] | undefined> {
    const { config, studies, log } = this.#options;
    const [name] = studies.peersWith(studyInstanceUID);
    const peer = config.peers.find((one) => one.name === name);
    if (peer === undefined) return undefined;
    const finder = new PacsFinder({
      ...{ peer, ownAETitle: config.dicom.aeTitle, responseMs: RESPONSE_MS },
      signal: AbortSignal.timeout(2 * RESPONSE_MS),
    });
    const named = [[StudyInstanceUID, studyInstanceUID] as const, ...above];
    try {
      const { end, identifiers, transferSyntaxUID } = await finder.ask((syntax) =>
        encodeIdentifier(syntax, [
          { tag: QueryRetrieveLevel, vr: 'CS', value: level },
          ...named.map(([tag, value]) => ({ tag, vr: 'UI', value })),
          ...KEYS[level].map(([tag, vr]) => ({ tag, vr, value: '' })),
        ]),
      );
      if (end !== 'whole' || identifiers.length === 0) return undefined;
      const asked = new Set<number>(KEYS[level].map(([tag]) => tag));
      return identifiers.map((identifier) => {
        const values = decodeIdentifier(transferSyntaxUID, identifier);
        return new Map([...values].filter(([tag]) => asked.has(tag)));
      });
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      log.warn('find.pacs-silent', { peer: peer.name, studyInstanceUID, code: codeOf(error) });
      return undefined;
    } finally {
      await finder.release();
    }
  }
}
