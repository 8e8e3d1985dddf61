import { Beacon } from '@pulsebeacon/client';
import { type ReactNode, StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { Chat } from './Chat.tsx';
import '../style.css';

/** One connection for the whole page. */
const beacon = new Beacon('/');

function App(): ReactNode {
  const [isIn, setIn] = useState(true);
  return (
    <>
      <button onClick={() => setIn(!isIn)}>{isIn ? 'Leave' : 'Enter'}</button>
      {isIn && <Chat beacon={beacon} room="kitchen" />}
    </>
  );
}

createRoot(document.getElementById('app')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
