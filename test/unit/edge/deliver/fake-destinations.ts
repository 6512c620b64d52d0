/** Destinations that answer as a test says: what each holds, and how each fails. */
import {
  DestinationError,
  type Destinations,
  type Holding,
  type ObjectToStore,
  type StoreAssociation,
  type StoreContext,
} from '../../../../edge/deliver/destination.ts';
import { GatewayError, type Retry } from '../../../../shared/errors.ts';

export class FakeError extends GatewayError {
  override readonly name = 'FakeError';
  readonly code: string;
  readonly retry: Retry = 'safe';

  constructor(code: string) {
    super(`the fake destination says ${code}`);
    this.code = code;
  }
}

/** Of the destination, not of an object. */
export class FakeOutage extends DestinationError {
  override readonly name = 'FakeOutage';
  readonly code = 'OUTAGE';
  readonly retry: Retry = 'safe';
  readonly isDown: boolean;

  constructor(isDown: boolean) {
    super('the fake destination does not work');
    this.isDown = isDown;
  }
}

export class FakePeer {
  /** What it holds, by SOP Instance UID. */
  readonly held = new Map<string, Buffer>();
  /** Every SOP Instance UID that it was sent, in order. */
  readonly received: string[] = [];
  opened = 0;
  released = 0;
  aborted = 0;
  asked = 0;
  /** Open at once, now and at most. */
  readonly connections = { now: 0, most: 0 };
  window = 1;
  open: (contexts: readonly StoreContext[], signal: AbortSignal) => void | Promise<void> = () => {};
  accepts: (context: StoreContext) => boolean = () => true;
  /** The status of a store; the object is held when it is success or a warning. */
  status: (object: ObjectToStore) => number | Promise<number> = () => 0;
  /** Undefined: it says what it holds. */
  holding: (() => Holding | Promise<Holding>) | undefined;
}

export class FakeDestinations implements Destinations {
  readonly #peers = new Map<string, FakePeer>();

  peer(name = 'pacs'): FakePeer {
    const peer = this.#peers.get(name) ?? new FakePeer();
    this.#peers.set(name, peer);
    return peer;
  }

  async open(
    { name }: { name: string },
    contexts: readonly StoreContext[],
    signal: AbortSignal,
  ): Promise<StoreAssociation> {
    const peer = this.peer(name);
    peer.opened += 1;
    await peer.open(contexts, signal);
    if (signal.aborted) throw new FakeError('ABORTED');
    peer.connections.now += 1;
    peer.connections.most = Math.max(peer.connections.most, peer.connections.now);
    return {
      window: peer.window,
      accepts: (context) => peer.accepts(context),
      async store(object, dataSet) {
        const chunks: Buffer[] = [];
        for await (const chunk of dataSet()) chunks.push(chunk as Buffer);
        peer.received.push(object.sopInstanceUID);
        const status = await peer.status(object);
        if (status === 0 || status >= 0xb000)
          if (status < 0xc000) peer.held.set(object.sopInstanceUID, Buffer.concat(chunks));
        return status;
      },
      async release() {
        peer.connections.now -= 1;
        peer.released += 1;
      },
      abort() {
        peer.aborted += 1;
      },
    };
  }

  async holding({ name }: { name: string }): Promise<Holding> {
    const peer = this.peer(name);
    peer.asked += 1;
    return (
      (await peer.holding?.()) ?? { kind: 'instances', sopInstanceUIDs: new Set(peer.held.keys()) }
    );
  }
}
