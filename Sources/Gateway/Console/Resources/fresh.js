// Files of two versions do not fit together, as in an update of the gateway: the page is fetched anew, once. Not a module, since
// modules are what may not load.
addEventListener('error', (event) => {
  const isLoading = document.getElementById('waiting') !== null || document.readyState === 'loading';
  const isOurs = !(event.target instanceof Element) || event.target instanceof HTMLScriptElement;
  if (isLoading && isOurs && performance.getEntriesByType('navigation')[0]?.type !== 'reload') location.reload();
}, true);
