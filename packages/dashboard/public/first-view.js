// Before anything is painted: which of the two views the address asks for. No module, because those come later.
document.documentElement.dataset['view'] = location.hash === '#echo' ? 'echo' : 'channel';
