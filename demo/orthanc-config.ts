/** What an Orthanc is told so that it plays a trust's PACS on loopback: one AE title, one storage folder, no plugins. */

export interface OrthancOptions {
  readonly name: string;
  readonly directory: string;
  readonly aeTitle: string;
  readonly dicomPort: number;
  readonly httpPort: number;
  /** Who may ask it to C-MOVE, and where it sends. */
  readonly neighbours?: readonly {
    readonly aeTitle: string;
    readonly host: string;
    readonly port: number;
  }[];
  /** Default all it knows. */
  readonly transferSyntaxes?: readonly string[];
}

/** The content of Orthanc's configuration file. */
export function orthancConfig(options: OrthancOptions): object {
  return {
    Name: options.name,
    StorageDirectory: options.directory,
    IndexDirectory: options.directory,
    Plugins: [],
    HttpPort: options.httpPort,
    DicomPort: options.dicomPort,
    DicomAet: options.aeTitle,
    DicomCheckCalledAet: false,
    DicomAlwaysAllowEcho: true,
    DicomAlwaysAllowStore: true,
    DicomAlwaysAllowFind: true,
    DicomAlwaysAllowGet: true,
    DicomAlwaysAllowMove: true,
    UnknownSopClassAccepted: true,
    AcceptedTransferSyntaxes: options.transferSyntaxes ?? ['1.2.840.10008.1.*'],
    DicomModalities: Object.fromEntries(
      (options.neighbours ?? []).map(({ aeTitle, host, port }) => [aeTitle, [aeTitle, host, port]]),
    ),
    AuthenticationEnabled: false,
    RemoteAccessAllowed: false,
    HttpDescribeErrors: true,
    OverwriteInstances: false,
    StableAge: 5,
  };
}
