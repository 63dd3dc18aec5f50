// Shows one file: ?file=NAME&via=wasm reads it in the browser, as myHDF5 and the extension of
// VS Code do; ?file=NAME&via=grove asks a server for its parts, as JupyterLab and data portals do.
import { App, H5GroveProvider } from '@h5web/app';
import { H5WasmBufferProvider } from '@h5web/h5wasm';
import { getPlugin } from './plugins.js';
import { createRoot } from 'react-dom/client';
import '@h5web/app/styles.css';

const query = new URLSearchParams(window.location.search);
const file = query.get('file');
const root = createRoot(document.getElementById('root'));

// Errors reach the test instead of a box on the page.
const app = <App propagateErrors sidebarOpen={query.get('sidebar') !== 'no'} disableDarkMode />;

if (query.get('via') === 'grove') {
  root.render(
    <H5GroveProvider url={`${window.location.origin}/grove`} filepath={file}>
      {app}
    </H5GroveProvider>,
  );
} else {
  const answer = await fetch(`/files/${encodeURIComponent(file)}`);
  if (!answer.ok) {
    throw new Error(`${file}: ${answer.status}`);
  }
  const buffer = await answer.arrayBuffer();
  root.render(
    <H5WasmBufferProvider filename={file} buffer={buffer} getPlugin={getPlugin}>
      {app}
    </H5WasmBufferProvider>,
  );
}
