/** What this server speaks of FHIR R4. */
import type { FhirResource } from './resources.ts';

interface Spoken {
  readonly type: string;
  readonly interactions: readonly string[];
  readonly searches?: readonly (readonly [name: string, type: string])[];
}

const SPOKEN: readonly Spoken[] = [
  {
    ...{ type: 'ImagingStudy', interactions: ['read', 'search-type'] },
    searches: [
      ['patient', 'reference'],
      ['identifier', 'token'],
      ['modality', 'token'],
      ['started', 'date'],
    ],
  },
  {
    ...{ type: 'DiagnosticReport', interactions: ['read', 'search-type'] },
    searches: [
      ['patient', 'reference'],
      ['status', 'token'],
      ['issued', 'date'],
    ],
  },
  {
    ...{ type: 'Schedule', interactions: ['read', 'search-type'] },
    searches: [
      ['date', 'date'],
      ['actor', 'token'],
    ],
  },
  {
    ...{ type: 'Slot', interactions: ['read', 'search-type'] },
    searches: [
      ['schedule', 'reference'],
      ['status', 'token'],
      ['start', 'date'],
    ],
  },
  {
    ...{ type: 'Appointment', interactions: ['read', 'create', 'update', 'search-type'] },
    searches: [
      ['based-on', 'reference'],
      ['date', 'date'],
    ],
  },
  { type: 'ServiceRequest', interactions: ['read', 'create'] },
  {
    ...{ type: 'AuditEvent', interactions: ['read', 'search-type'] },
    searches: [
      ['patient', 'reference'],
      ['agent', 'reference'],
      ['agent-name', 'string'],
      ['date', 'date'],
    ],
  },
];

export function capabilityStatement({
  version,
  date,
}: {
  version: string;
  date: string;
}): FhirResource {
  return {
    ...{ resourceType: 'CapabilityStatement', status: 'active', date, kind: 'instance' },
    software: { name: 'cdip', version },
    implementation: { description: 'Converged Digital Imaging Platform: hub' },
    ...{ fhirVersion: '4.0.1', format: ['json'] },
    rest: [
      {
        mode: 'server',
        resource: SPOKEN.map(({ type, interactions, searches = [] }) => ({
          type,
          interaction: interactions.map((code) => ({ code })),
          ...{ versioning: 'versioned-update', conditionalUpdate: false },
          searchParam: searches.map(([name, kind]) => ({ name, type: kind })),
        })),
      },
    ],
  };
}
