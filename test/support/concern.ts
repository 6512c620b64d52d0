/** Makes a trust concerned with a patient: puts them on the list of a meeting of it, where both are known at the hub. */
import type { Hub } from './hub.ts';

/** @param patient NHS number, or the keys by which the hub finds one person */
export async function concern(
  hub: Hub,
  trust: string,
  patient: string | { readonly patientId: string; readonly issuer: string },
): Promise<void> {
  const whom = typeof patient === 'string' ? { nhsNumber: patient } : patient;
  const post = async <T>(path: string, body: object): Promise<T> => {
    const answer = await hub.api<T>(path, { method: 'POST', body: JSON.stringify(body) });
    if (answer.status >= 300) throw new Error(`POST ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const meeting = { trust, name: `Tests at ${trust}`, meetsOn: '2099-01-01' };
  const { listId } = await post<{ listId: string }>('/api/mdt-lists', meeting);
  await post(`/api/mdt-lists/${listId}/patients`, { ...whom, question: 'What is there?' });
}
