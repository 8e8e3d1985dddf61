// /demo/chat: wires its parts together.
import { byId } from '../shared/dom.js';
import { Messages } from './chat/messages.ts';
import { Room } from './chat/room.ts';
import { Key } from './key.ts';
import { Plug } from './plug.ts';
import { Visitor } from './visitor.ts';

const visitor = new Visitor();
const plug = new Plug();
const messages = new Messages();
const key = new Key(() => enter());
let room: Room | undefined;

function enter(): void {
  key.ask(false);
  const since = room?.position;
  room?.close();
  room = new Room({ ...plug.options, ...key.options }, visitor, messages, () => key.ask(true), since);
}

function startComposer(): void {
  const field = byId('message', HTMLTextAreaElement);
  const send = (): void => {
    const text = field.value.trim();
    if (text !== '') room?.send(text);
    field.value = '';
    fit(field);
    field.focus();
  };
  byId('composer', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    send();
  });
  field.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
  field.addEventListener('input', () => {
    room?.sayTyping(field.value.trim() !== '');
    fit(field);
  });
}

/** As high as its text. */
function fit(field: HTMLTextAreaElement): void {
  field.style.height = '';
  if (field.scrollHeight > field.clientHeight) field.style.height = `${Math.min(field.scrollHeight + 2, 120)}px`;
}

function startPlug(): void {
  const button = byId('offline', HTMLButtonElement);
  const hint = byId('offline-hint', HTMLElement);
  let isOut = false;
  button.addEventListener('click', () => {
    isOut = !isOut;
    if (isOut) plug.pull();
    else plug.putIn();
    button.textContent = isOut ? 'Come back' : 'Go offline';
    button.setAttribute('aria-pressed', String(isOut));
    hint.textContent = isOut
      ? 'Nothing gets through to this tab.'
      : 'Takes the network from this tab. What you send waits.';
  });
}

visitor.edit(() => room?.sayName());
startComposer();
startPlug();
enter();
