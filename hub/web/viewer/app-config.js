/*
 * OHIF as this network uses it: the hub's own DICOMweb, of the network and of its teaching files; no other host. Runs before
 * the viewer. A source that does not answer is named on the screen: retry-worker.js asks it again.
 */
window.PUBLIC_URL = '/viewer/';
window.browserImportFunction = (name) => import(name);
try {
  localStorage.setItem('shownTours', '["basicViewerTour"]');
} catch {
  // Without storage the tour shows, and the viewer works.
}

function source(name, friendlyName, root) {
  return {
    namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
    sourceName: name,
    configuration: {
      ...{ friendlyName, name, wadoUriRoot: root, qidoRoot: root, wadoRoot: root },
      qidoSupportsIncludeField: true,
      supportsReject: false,
      supportsFuzzyMatching: false,
      supportsWildcard: true,
      imageRendering: 'wadors',
      thumbnailRendering: 'wadors',
      enableStudyLazyLoad: true,
      omitQuotationForMultipartRequest: true,
      singlepart: 'bulkdata,video',
      bulkDataURI: { enabled: true, relativeResolution: 'studies' },
    },
  };
}

window.config = {
  routerBasename: '/viewer/',
  showStudyList: false,
  extensions: [],
  modes: [],
  customizationService: {},
  whiteLabeling: {
    createLogoComponentFn: (React) =>
      React.createElement(
        'a',
        { href: '/', style: { color: '#fff', font: '600 16px arial, sans-serif' } },
        'Imaging network',
      ),
  },
  maxNumberOfWebWorkers: 3,
  showWarningMessageForCrossOrigin: false,
  showCPUFallbackMessage: false,
  showLoadingIndicator: true,
  strictZSpacingForVolumeViewport: true,
  groupEnabledModesFirst: true,
  investigationalUseDialog: { option: 'never' },
  maxNumRequests: { interaction: 100, thumbnail: 5, prefetch: 25 },
  defaultDataSourceName: 'network',
  dataSources: [
    source('network', 'Imaging network', '/dicom-web'),
    source('teaching', 'Teaching files', '/teaching/dicom-web'),
  ],
};

const notice = document.createElement('div');
notice.setAttribute('role', 'status');
notice.setAttribute('aria-live', 'assertive');
notice.id = 'cdip-notice';
notice.hidden = true;
Object.assign(notice.style, {
  ...{
    position: 'fixed',
    left: '50%',
    top: '12px',
    transform: 'translateX(-50%)',
    zIndex: 100_000,
  },
  ...{ maxWidth: 'min(90vw, 44rem)', padding: '12px 20px', borderRadius: '4px' },
  ...{ background: '#ffeb3b', color: '#212b32', font: '600 16px/1.4 arial, sans-serif' },
});
addEventListener('DOMContentLoaded', () => {
  document.body.append(notice);
  // Of a teaching file there is no report: its page has the answer.
  if (!location.pathname.endsWith('/teaching')) void import('/viewer/reports.js');
});

function say(text, background) {
  notice.hidden = text === '';
  notice.style.background = background;
  if (notice.textContent !== text) notice.textContent = text;
}

let quiet;
navigator.serviceWorker?.addEventListener('message', ({ data }) => {
  clearTimeout(quiet);
  if (data.kind === 'waiting') say(`${data.detail} It is being asked again.`, '#ffeb3b');
  if (data.kind !== 'answered') return;
  say('The source answers again.', '#cce5d8');
  quiet = setTimeout(() => say('', ''), 4_000);
});
navigator.serviceWorker?.register('/viewer/retry-worker.js', { scope: '/viewer/' }).catch(() => {});
