export { type Entry, Ledger } from './ledger.ts';
