/**
 * Every event that is logged, with the flat fields it carries. UIDs, hosts, codes, counts and sizes yes; names,
 * identifiers and birth dates of patients never. What a peer calls itself stands in fields that said-names.ts lists, and
 * is said as it is only when it is configured.
 */
export interface LogEvents {
  // --- programs
  /** The program listens and is ready. */
  'program.started': { version: string; [where: string]: string | number };
  /** A signal was taken; draining begins. */
  'program.stopping': { signal: string };
  /** Everything was stopped. */
  'program.stopped': Record<string, never>;
  /** One part could not be stopped in order. */
  'program.stop-failed': { part: string; error: unknown };
  /** Something that is not an expected failure: a bug. */
  'program.bug': { where: string; error: unknown };

  // --- edge/configuration
  /** The hub pushed a configuration: it is tried, or refused. */
  'configuration.pushed': { version: number; state: string; code: string };
  /** A hub was reached with it. */
  'configuration.kept': { version: number };
  /** No hub was reached with it: the one before is in force again. */
  'configuration.returned': { code: string };

  // --- edge/upgrade
  /** How far the build is that the hub told of; `code`: why it waits, or what became of it. */
  'upgrade.state': { rollout: number; version: string; state: string; code: string };
  /** Tried again after a while. */
  'upgrade.step-failed': { code: string };

  // --- edge/support
  /** The hub wants a support bundle. */
  'support.asked': { bundle: string };
  /** It is at the hub. */
  'support.sent': { bundle: string; bytes: number };
  /** It could not be made or brought; tried again, unless the hub refused it. */
  'support.failed': { code: string };

  // --- edge/doctor
  /** What is around the edge was examined; `codes` are those of faults and warnings. */
  'doctor.examined': { faults: number; warnings: number; codes: string };

  // --- hub/http
  /** A request was answered. The route's pattern, never its URL. */
  'http.request': { method: string; route: string; status: number; ms: number };

  // --- hub/log
  /** The embedded nats-server ended by itself, and is started again. */
  'log.server-ended': { code: number; signal: string; fault: string };
  /** The broker has not answered since the hub started; what is held is shown meanwhile. */
  'log.not-reached': Record<string, never>;
  /** The broker does not answer. */
  'log.disconnected': Record<string, never>;
  /** It answers again. */
  'log.connected': Record<string, never>;
  /** Streams could not be looked after; tried again at once. */
  'log.streams-unavailable': { error: unknown };
  /** The recorded key of an edge can't be used; it has to enrol again. */
  'log.key-refused': { trust: string; error: unknown };
  /** An edge was enrolled on a cluster of your own: give this key to the account of the trust there. */
  'log.admit-by-hand': { trust: string; keys: string };

  // --- hub/measures
  /** The measures count what was told until now; `isWhole`: all of it was folded anew. */
  'measures.built': { number: number; told: number; isWhole: boolean; ms: number };
  /** A CSV of the past was read, and lies in `done` or `refused`; refused: rows that can't be, or with `taken` 0 the whole file. */
  'measures.loaded': { kind: string; taken: number; refused: number };
  /** They could not be built; the figures of the build before are shown. */
  'measures.not-built': { code: string; error: unknown };
  /** Figures went to who subscribed to them; or could not, and are tried again at `again`. */
  'subscription.sent': { subscription: string; measure: string; period: string };
  'subscription.not-sent': { subscription: string; code: string; again: string; error: unknown };
  /** Whoever had it has no account any more, or none that may read measures. */
  'subscription.ended': { subscription: string; why: string };

  // --- hub/projection
  /** The file could not be used; all is built again from the log and the edges. */
  'projection.dropped': { error: unknown };
  /** The reading of a stream stopped, and begins again at once. */
  'projection.interrupted': { stream: string; code: string };
  /** A message can't be read; it is kept aside. */
  'projection.unreadable': { stream: string; streamSeq: number; code: string; detail: string };
  /** A hub's own decision could not be applied; it is kept aside. */
  'projection.decision-refused': { subject: string; error: unknown };
  /** Rows differ from what the trust says; so many days were asked again. */
  'projection.differs': { trust: string; days: number };
  'projection.reannounce-failed': { trust: string; code: string };

  // --- hub/configuration
  /** An edge could not be told of an approved configuration; it is told again. */
  'configuration.not-sent': { trust: string; version: number; code: string };

  // --- hub/releases
  /** An edge could not be told of a build; it is told again. */
  'rollout.not-sent': { trust: string; rollout: number; code: string };
  /** A rollout went on, stands still, or is over; `code`: why it stands. */
  'rollout.state': { rollout: number; state: string; ring: number; code: string };
  /** The rollouts were not looked at; tried again in a moment. */
  'rollout.look-failed': { code: string };

  // --- hub/support
  /** A bundle was kept for long enough. */
  'support.forgotten': { trust: string; bundle: string };

  // --- hub/access
  /** An edge was enrolled, or enrolled again with another key. */
  'edge.enrolled': { trust: string; version: string };
  /** No key of the edge is in force any more: it was taken back, or has ended; it is cut off. */
  'edge.revoked': { trust: string };
  /** The broker does not have the keys that are in force; tried again each second. */
  'edge.keys-not-applied': { code: string };

  // --- shared/audit
  /** What another program keeps of our audit trail is not what stands there: it was written anew. Stands in the trail. */
  /** So many rows of the audit trail could not be written: what they tell of was done all the same. */
  'audit.not-written': { entries: number; error: unknown };
  /** The collector of audit messages takes none; they wait in the trail. */
  'audit.collector-failed': { host: string; port: number; code: string };
  'audit.collector-works': { host: string; port: number };
  'audit.differs': { trust: string; seq: number; rows: number };

  // --- hub/fetch
  /** An edge could not be told of an order; it is told again. */
  'fetch.command-failed': { fetchId: string; code: string };

  // --- hub/scheduling/travel
  /** A timetable was read, for these days. */
  'travel.timetable-read': { stops: number; trips: number; from: string; to: string };
  /** A list of postcodes or a timetable can't be used; travel is estimated instead. */
  'travel.file-refused': { code: string; detail: string };
  // --- hub/alerts
  /** People were told of so many alerts of a trust; or could not be now, and are soon. */
  'alert.told': { trust: string; channel: string; alerts: number };
  'alert.not-told': { trust: string; channel: string; code: string };
  /** Edges could not be looked at now; done again in seconds. */
  'alert.look-failed': { code: string };
  /** The dead man's switch could not be called. */
  'alert.dead-man-failed': { code: string };

  // --- hub/prefetch
  /** A prior could not be asked for, or its fetch not be cancelled; tried again. */
  'prefetch.refused': { code: string };
  'prefetch.failed': { code: string };

  // --- edge/scp/query
  /** A query was answered without these trusts, or without all but this one. */
  'find.incomplete': { trusts: string; code: string };
  /** The PACS does not list what is in a study that only it holds. */
  'find.pacs-silent': { peer: string; studyInstanceUID: string; code: string };
  /** More matched than a query is answered. */
  'find.cut': { calling: string; matches: number };

  /** A C-MOVE or C-GET was answered; `destination` is empty for a C-GET. */
  'retrieve.ended': {
    calling: string;
    kind: string;
    destination: string;
    status: string;
    completed: number;
    failed: number;
    warning: number;
  };
  'retrieve.store-failed': { destination: string; sopInstanceUID: string; code: string };

  // --- edge/scp/commitment
  /** A peer was told what of its objects is safe here. */
  'commitment.told': { transactionUID: string; peer: string; instances: number; failed: number };
  /** It could not be told now; it is tried again, for a week. */
  'commitment.not-told': { transactionUID: string; peer: string; code: string; tries: number };
  'commitment.look-failed': { error: unknown };

  // --- edge/scp/mpps
  /** A peer refused a performed procedure step that was passed on to it. */
  'mpps.refused': { sopInstanceUID: string; peer: string; code: string };
  /** It could not be passed on now; it is tried again, for a week. */
  'mpps.not-forwarded': { sopInstanceUID: string; peer: string; code: string; tries: number };
  'mpps.look-failed': { error: unknown };

  // --- edge/retention
  /** A copy of another trust's study was removed: nobody used it for long, or the disk came near its reserve. */
  'copy.removed': {
    studyInstanceUID: string;
    home: string;
    bytes: number;
    files: number;
    why: 'expired' | 'space' | 'withdrawn';
  };
  /** A copy that its home took back could not be removed; tried again. */
  'copy.withdrawal-failed': { error: unknown };
  /** Copies could not be removed now; tried again in a minute. */
  'copy.expiry-failed': { error: unknown };

  // --- edge/teaching
  /** A teaching file is in the collection. */
  'teaching.published': { caseId: string; instances: number };
  /** Nothing of it is there any more; the code says why. */
  'teaching.withdrawn': { caseId: string; code: string };
  /** It could not be made now, and is tried again. */
  'teaching.waits': { caseId: string; code: string };
  'teaching.look-failed': { error: unknown };

  // --- hub/teaching
  /** A decision or a command could not be written now; tried again. */
  'teaching.not-told': { code: string };

  // --- edge/hl7
  /** The database did not take messages; their senders were told to come again. */
  'hl7.refused': { messages: number; code: string; error: unknown };
  /** There are as many connections as are allowed. */
  'hl7.connection-refused': { host: string };
  /** A message began and did not end in time; its connection was ended. */
  'hl7.unfinished': { host: string };
  /** Old messages could not be forgotten now; tried again later. */
  'hl7.forget-failed': { error: unknown };
  /** A dead letter was applied again by a person's decision, or could not be. */
  'hl7.replayed': { state: string; code: string };
  /** A dead letter was given up by a person's decision. */
  'hl7.dropped': { key: number };

  // --- edge/uplink
  /** There is a connection to the hub's broker. */
  'uplink.connected': { server: string };
  /** It was lost; connecting goes on for ever. */
  'uplink.lost': { reason: string };
  /** No connection could be had. */
  'uplink.failed': { code: string; reason: string };
  /** Events are told again in a new epoch; `reason` says what the hub lacked. */
  'uplink.rewound': { reason: string; epoch: number };
  /** The broker did not take events; they are sent again until it does. Said once for each time it begins. */
  'uplink.publish-failed': { code: string; reason: string; kind: string; seq: number };
  /** The consumer of commands can't be read now. */
  'uplink.commands-unavailable': { code: string };
  /** A command that is none of this version; it is passed over. */
  'uplink.command-unreadable': { streamSeq: number };
  /** Cursor, heartbeat or directory: the hub could not be asked or told; done again soon. */
  'uplink.step-failed': { what: string; code: string };
  /** The edge has a new key; the one before ends. */
  'uplink.key-rotated': Record<string, never>;

  // --- edge/ul
  /** A peer asked for an association, and has it. */
  'association.opened': { associationId: string; calling: string; called: string; host: string };
  /** It is over; `code` says why when it was not in order. */
  'association.ended': {
    associationId: string;
    calling: string;
    host: string;
    how: string;
    code: string;
  };
  /** A-ASSOCIATE-RJ was sent. */
  'association.rejected': { calling: string; host: string; reason: string };
  /** A connection ended before there was an association. */
  'association.failed': { host: string; code: string };

  // --- edge/scp, edge/spool, edge/outbox
  /** What an edge was streaming to a viewer broke off. */
  'dicomweb.cut': { trust: string; studyInstanceUID: string; code: string };
  /** DICOMweb leaves out an object whose file can't be read. */
  'dicomweb.unread': { sopInstanceUID: string; studyInstanceUID: string; code: string };
  /** Metadata of a series, or an object's frames, could not be made ahead; whoever asks for them is told why. */
  'dicomweb.not-ahead': { studyInstanceUID: string; sopInstanceUID?: string; code: string };
  /** A SOP Instance UID came with other content; both are kept, the first stays current. */
  'storage.conflict': { calling: string; sopInstanceUID: string; studyInstanceUID: string };
  /** The objects of a study name more than one patient. */
  'storage.patient-conflict': { studyInstanceUID: string; home: string };
  /** An object can't be filed; its bytes are kept under `id`, if there was room. */
  'storage.quarantined': {
    calling: string;
    host: string;
    code: string;
    bytes: number;
    id?: string;
  };
  /** The disk or the database did not take an object; the sender was told A700H. */
  'storage.refused': { calling: string; code: string; error: unknown };
  /** The free space that is kept is reached: objects are refused with A700H from now on. */
  'spool.reserve-reached': { freeBytes: number; reserveBytes: number };
  /** There is room again; objects are taken. */
  'spool.reserve-cleared': { freeBytes: number; reserveBytes: number };
  /** Start-up made spool and index agree. */
  'spool.recovered': {
    refiled: number;
    dropped: number;
    quarantined: number;
    missing: number;
    known: number;
  };
  /** The file of an acknowledged object, or without UIDs of a differing version, is gone. */
  'spool.missing': { path: string; sopInstanceUID?: string; studyInstanceUID?: string };
  /** Events could not be appended: said once, and tried again less and less often. */
  'outbox.tick-failed': { error: unknown };

  // --- edge/retention
  /** Objects that the PACS holds went from the spool. */
  'study.released': { studyInstanceUID: string; files: number };
  'study.release-failed': { error: unknown };

  // --- edge/retrieve
  /** A study was brought from the PACS, or could not be; `code` says why. */
  'pacs-retrieve.ended': {
    peer: string;
    studyInstanceUID: string;
    state: string;
    instances: number;
    code: string;
  };

  // --- edge/crawl
  /** A sweep over days of a PACS ended: how many days, studies, and studies that were new. */
  'crawl.swept': { peer: string; sweep: string; days: number; studies: number; added: number };
  /** Studies of days long past that came into the PACS meanwhile: found by their patient, or by the daily look at all days. */
  'crawl.late': { peer: string; by: 'patient' | 'glance'; studies: number };
  /** The PACS can't be asked now; tried again after `waitSeconds`. */
  'crawl.waiting': { peer: string; code: string; waitSeconds: number };
  /** The PACS has more in these days than it would tell. */
  'crawl.cut': { peer: string; from: string; to: string };
  /** Answers that name no study, or can't be read. */
  'crawl.unreadable': { peer: string; answers: number };
  /** The PACS was asked twice for a study, and does not hold it any more. */
  'crawl.gone': { peer: string; studyInstanceUID: string };

  // --- edge/transfer, edge/commands, edge/deliver, edge/http
  /** A stream of instances to another edge ended, whole or cut. */
  'transfer.served': {
    studyInstanceUID: string;
    home: string;
    reader: string;
    sent: number;
    failed: number;
    /** Of data sets; and as they crossed the line. */
    bytes: number;
    wireBytes: number;
  };
  /** Somebody wanted to wait at the relay with a pass that is none of the hub's. */
  'relay.refused': { code: string };
  /** This edge waits at the hub for those who can't dial it; or does not any more, and why. */
  'relay.waiting': { hub: string };
  'relay.failed': { code: string };
  /** Another way to a source works, and is used from now on. */
  'transfer.path': { source: string; path: string };
  /** A command of the hub was made durable. */
  'command.received': { id: string; kind: string; isNew: boolean };
  /** A command of the hub could not be carried out. */
  'command.failed': { id: string; kind: string; error: unknown };
  /** A fetch reached a state; `code` says why when it stands still, is partial or failed. */
  'fetch.state': {
    fetchId: string;
    state: string;
    code: string;
    studyInstanceUID: string;
    home: string;
    source: string;
    instances: number;
  };
  /** A person has this edge fetch an urgent study while no hub answers. */
  'fetch.unaided': { fetchId: string; studyInstanceUID: string; source: string };
  /** A step of a fetch failed and is tried again after `waitSeconds`. */
  'fetch.waiting': { fetchId: string; state: string; code: string; waitSeconds: number };
  /** Fetches could not be looked after, for example for a full disk; tried again at once. */
  'fetch.look-failed': { error: unknown };
  /** What a copy lacks of its home's study could not be ordered; done with the home's next change. */
  'fetch.top-up-failed': { studyInstanceUID: string; to: string; code: string };
  /** Reports of a study could not be sent to those who hold copies of it; done with the next change, or look. */
  'report.copy-failed': { studyInstanceUID: string; code: string };
  /** A report that came as an object could not be read as one; it stays an object. */
  'report.object-unread': { sopInstanceUID: string; code: string };
  /** The delivery of another trust's report is over. */
  'report.delivered': { studyInstanceUID: string; source: string; state: string };
  /** The delivery of a rejection note, of a copy that its home withdrew, is over. */
  'note.delivered': { studyInstanceUID: string; home: string; peer: string; state: string };
  /** Rejection notes could not be looked at; the next look tries again. */
  'note.look-failed': { code: string; error: unknown };
  /** Reports of copies could not be looked at; the next look tries again. */
  'report.look-failed': { code: string; error: unknown };
  /** An edge could not be told that a home took a study back; done with the next look. */
  'fetch.withdrawal-failed': { studyInstanceUID: string; to: string; code: string };
  /** Merges of patients could not be put into the audit trail; the next look does. */
  'identity.audit-failed': { code: string };
  /** The first object of a delivery is about to go. Of what was de-identified the study stays unsaid. */
  'delivery.begun': { deliveryId: string; peer: string; studyInstanceUID: string; home: string };
  /** A delivery ended. */
  'delivery.ended': {
    deliveryId: string;
    peer: string;
    studyInstanceUID: string;
    home: string;
    outcome: string;
    delivered: number;
    failed: number;
  };
  /** Deliveries could not be looked after, for example for a full disk; tried again at once. */
  'delivery.look-failed': { error: unknown };
  /** A destination does not take objects now; everything for it waits, other destinations go on. */
  'delivery.peer-failed': { peer: string; code: string; waitSeconds: number };
  /** It takes objects again. */
  'delivery.peer-works': { peer: string };
  // --- edge/route
  /** What a rule sends of a study to a destination is there, or is not: the outcome is its delivery's. */
  'route.ended': {
    jobKey: number;
    rule: string;
    destination: string;
    studyInstanceUID: string;
    outcome: string;
  };
  /** A study goes to a project of secondary use: its gate was open. */
  'route.disclosed': {
    jobKey: number;
    project: string;
    destination: string;
    studyInstanceUID: string;
    objects: number;
    isAnonymous: boolean;
  };
  /** A study does not go to a project: it is held for this reason. */
  'route.withheld': { jobKey: number; project: string; studyInstanceUID: string; code: string };
  /** A result of an AI model was found to be of what was sent, marked, and filed. */
  'route.result-filed': { model: string; sopInstanceUID: string; studyInstanceUID: string };
  /** A result is not, or can't be said to be: it is held. */
  'route.result-held': { node: string; sopInstanceUID: string; code: string };
  /** A part of routing can't work, for example for a full disk: said once, and tried again less and less often. */
  'route.look-failed': { part: string; code: string; error: unknown };
  /** It works again. */
  'route.works-again': { part: string; seconds: number };

  // --- edge/ris
  /** The RIS took or refused a booking of the hub, or its end. */
  'ris.told': { bookingId: string; action: string; outcome: string };
  /** The RIS does not answer; tried again. */
  'ris.waiting': { bookingId: string; action: string; code: string };

  // --- hub/access
  /** A sign-in at the identity provider failed; `reason` is its word or the library's. */
  'oidc.failed': { code: string; reason: string };

  // --- hub/scheduling
  /** A message with an offer went out, or did not and is sent anew. */
  'offer.sent': { offerId: string; channel: string };
  /** A patient was told that what was being confirmed is not booked; or could not be, and is tried again. */
  'notice.sent': { bookingId: string; channel: string };
  'notice.not-sent': { bookingId: string; channel: string; code: string };
  'offer.not-sent': { offerId: string; channel: string; code: string };
  /** The RIS booked what somebody else has: its booking does not count, and it is told so. */
  'booking.clash': { bookingId: string; trust: string; resource: string };
  /** A hold ended by itself: nobody confirmed it in time. */
  'booking.expired': { bookingId: string; trust: string };
  /** Scheduling could not be looked after; tried again at once. */
  'scheduling.failed': { where: string; code: string };

  /** An object of the quarantine was filed by a person's decision, or could not be. */
  'quarantine.released': { id: string; outcome: string; code: string };
  'quarantine.dropped': { id: string };
  /** A person at the status page held, released, tried or added a peer. */
  'operator.peer': { peer: string; done: string };
  /** A person let nobody new in, or everybody again. */
  'operator.drain': { isOn: boolean };
  /** A build that waited is installed. */
  'operator.upgrade': Record<string, never>;
}
