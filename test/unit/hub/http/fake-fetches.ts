/** Fetch orders in memory, for the tests of the API and the pages. */
import type { Principal } from '../../../../hub/access/rules.ts';
import type { FetchRequest, FetchView } from '../../../../hub/fetch/order.ts';
import type { Change } from '../../../../hub/projection/change.ts';
import type { FetchStateName } from '../../../../shared/contract/events.ts';
import { GatewayError } from '../../../../shared/errors.ts';

export class FetchRefused extends GatewayError {
  override readonly name = 'FetchRefused';
  readonly retry = 'never';
  readonly code: string;
  constructor(code: string) {
    super(`refused: ${code}`);
    this.code = code;
  }
}

/** Orders in memory, driven by the test. */
export class FakeFetches {
  readonly orders = new Map<string, FetchView>();
  readonly asked: FetchRequest[] = [];
  readonly named: object[] = [];
  onChange: (change: Change) => void = () => {};

  readonly find = (id: string): FetchView | null => this.orders.get(id) ?? null;

  readonly request = async (request: FetchRequest, by: Principal): Promise<FetchView> => {
    if (request.studyInstanceUID === '1.2.404') throw new FetchRefused('STUDY_UNKNOWN');
    this.asked.push(request);
    const at = new Date().toISOString();
    return this.put({
      fetchId: `f${this.orders.size + 1}`,
      studyInstanceUID: request.studyInstanceUID,
      seriesInstanceUIDs: request.seriesInstanceUIDs ?? null,
      home: request.home ?? 'RJE',
      source: 'RJE',
      to: { trust: request.to.trust, peer: request.to.peer ?? null },
      priority: request.priority,
      purpose: request.purpose,
      reason: request.reason ?? null,
      neededBy: request.neededBy ?? null,
      localPatient: null,
      requestedBy: by.name,
      requestedAt: at,
      state: 'authorised',
      stateReason: null,
      updatedAt: at,
      instances: { done: 0, expected: 300 },
      bytes: { done: 0, expected: 157_800_000 },
      etaSeconds: null,
      failures: [],
      steps: [
        { state: 'requested', at },
        { state: 'authorised', at },
      ],
    });
  };

  readonly list = (filter: {
    state?: FetchStateName;
    trust?: string;
    studyInstanceUID?: string;
    concerns?: string;
    limit: number;
    offset: number;
  }) => {
    const all = [...this.orders.values()]
      .reverse()
      .filter((order) => filter.state === undefined || order.state === filter.state)
      .filter(
        (order) =>
          filter.trust === undefined || [order.to.trust, order.source].includes(filter.trust),
      )
      .filter(
        (order) =>
          filter.concerns === undefined || [order.to.trust, order.home].includes(filter.concerns),
      )
      .filter(
        (order) =>
          filter.studyInstanceUID === undefined ||
          order.studyInstanceUID === filter.studyInstanceUID,
      );
    return { fetches: all.slice(filter.offset, filter.offset + filter.limit), total: all.length };
  };

  readonly cancel = async (id: string): Promise<FetchView> => this.move(id, 'cancelled', {});

  readonly namePatient = async (id: string, patient: object): Promise<FetchView> => {
    if (this.orders.get(id)?.state !== 'held') throw new FetchRefused('FETCH_NOT_HELD');
    this.named.push(patient);
    return this.move(id, 'coercing', { stateReason: null });
  };

  /** The edge reports a state. */
  move(id: string, state: FetchStateName, more: Partial<FetchView>): FetchView {
    const order = this.orders.get(id);
    if (order === undefined) throw new Error(`no fetch ${id}`);
    const at = more.updatedAt ?? new Date().toISOString();
    const isNew = !order.steps.some((step) => step.state === state);
    const steps = isNew ? [...order.steps, { state, at }] : order.steps;
    return this.put({ ...order, state, steps, updatedAt: at, ...more });
  }

  put(order: FetchView): FetchView {
    this.orders.set(order.fetchId, order);
    this.onChange({ kind: 'fetch', fetchId: order.fetchId });
    return order;
  }
}
