import { ChannelPattern } from '@pulsebeacon/wire';

/** Whether a text is the name of a channel or a pattern over names. */
export function isChannelPattern(text: string): boolean {
  try {
    return new ChannelPattern(text).text === text;
  } catch {
    return false;
  }
}
