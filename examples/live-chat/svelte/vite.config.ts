import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [svelte()],
  // While `npx vite` serves the page, what goes to the channels goes on to `pulsebeacon serve`.
  server: { proxy: { '/connect': { target: 'http://localhost:8080', ws: true } } },
});
