/** A change of the projection, after its commit. */
export type Change =
  | {
      readonly kind: 'study';
      readonly trust: string;
      readonly studyInstanceUID: string;
      /** Its home does not hold it any more. */
      readonly isWithdrawn?: boolean;
    }
  | {
      readonly kind: 'record';
      readonly trust: string;
      readonly record: 'patient' | 'order' | 'report' | 'appointment' | 'encounter';
      /** Of a report. */
      readonly reportId?: string;
      /** Of an order. */
      readonly orderId?: string;
      /** Of a booking. */
      readonly appointmentId?: string;
    }
  | { readonly kind: 'fetch'; readonly fetchId: string }
  | { readonly kind: 'alert'; readonly trust: string; readonly alertId: string }
  | { readonly kind: 'ris-answer'; readonly trust: string; readonly bookingId: string }
  | { readonly kind: 'resource'; readonly resource: string }
  | {
      readonly kind: 'diary';
      readonly resource: string;
      readonly date: string;
      readonly trust: string;
    }
  | { readonly kind: 'request'; readonly requestId: string; readonly trust: string }
  | { readonly kind: 'refill'; readonly refillId: string; readonly trust: string }
  | { readonly kind: 'completeness'; readonly trust: string };
