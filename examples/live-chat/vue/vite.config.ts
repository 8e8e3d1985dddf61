import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [vue()],
  // While `npx vite` serves the page, what goes to the channels goes on to `pulsebeacon serve`.
  server: { proxy: { '/connect': { target: 'http://localhost:8080', ws: true } } },
});
