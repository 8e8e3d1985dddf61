export { type Entry, Ledger } from './ledger.ts';
export { seeded } from './seeded.ts';
