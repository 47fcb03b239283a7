// Before anything is painted: the look that was chosen here, else the system's. Not a module, since those come later.
(() => {
  const chosen = localStorage.getItem('theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
})();
