import type { Beacon } from '@pulsebeacon/client';
import { type ReactNode, useState } from 'react';
import { useChannel } from './useChannel.ts';

interface Line {
  readonly text: string;
}

export function Chat({ beacon, room }: { readonly beacon: Beacon; readonly room: string }): ReactNode {
  const { publications, present, error, publish } = useChannel<Line>(beacon, `chat:${room}`);
  const [text, setText] = useState('');
  const [failure, setFailure] = useState<Error>();

  const say = (): void => {
    publish({ text }).then(() => setFailure(undefined), setFailure);
    setText('');
  };

  return (
    <section>
      <p>
        {room}: <output>{present ?? '…'}</output> here
      </p>
      <ul>
        {publications.map(({ position, data }) => (
          <li key={position}>{data.text}</li>
        ))}
      </ul>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          say();
        }}
      >
        <input aria-label="Message" value={text} onChange={(event) => setText(event.target.value)} required />
        <button>Send</button>
      </form>
      {(failure ?? error) && <p role="alert">{(failure ?? error)?.message}</p>}
    </section>
  );
}
