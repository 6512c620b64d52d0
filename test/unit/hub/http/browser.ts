import type { FakeHub } from './fake-hub.ts';

/** A browser's cookie jar for one hub; never follows by itself. */
export class Browser {
  readonly #hub: FakeHub;
  cookie = '';

  constructor(hub: FakeHub) {
    this.#hub = hub;
  }

  async get(path: string): Promise<Response> {
    return this.#keep(await fetch(this.#hub.url + path, this.#options({})));
  }

  async post(path: string, form: Record<string, string> = {}, headers = {}): Promise<Response> {
    const options = { method: 'POST', body: new URLSearchParams(form), headers };
    return this.#keep(await fetch(this.#hub.url + path, this.#options(options)));
  }

  #options(given: RequestInit): RequestInit {
    const site = { 'sec-fetch-site': 'same-origin', cookie: this.cookie };
    return { ...given, redirect: 'manual', headers: { ...site, ...given.headers } };
  }

  #keep(answer: Response): Response {
    const [set] = answer.headers.getSetCookie();
    if (set !== undefined) this.cookie = set.split(';')[0] ?? '';
    return answer;
  }
}
