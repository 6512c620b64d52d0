/** The numbers a program shows at /metrics. One registry a program, made in main.ts, handed to who counts. */
import { Registry } from 'prom-client';

export { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** A fresh registry with the given fixed labels on every sample. */
export function openMetrics(labels: Record<string, string>): Registry {
  const registry = new Registry();
  registry.setDefaultLabels(labels);
  return registry;
}
