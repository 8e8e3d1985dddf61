export { Beacon } from './client.ts';
