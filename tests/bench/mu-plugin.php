<?php
/**
 * Plugin Name: Benchmark
 * Description: A REST route that does nothing, and WordPress without Learnomy for whoever asks for it.
 */

// The baseline is WordPress alone: no plugin of ours slows it down.
if ( isset( $_SERVER['HTTP_X_BENCH_BARE'] ) ) {
	add_filter( 'option_active_plugins', '__return_empty_array' );
}

if ( isset( $_SERVER['REQUEST_URI'] ) && 0 === strpos( $_SERVER['REQUEST_URI'], '/wp-json/bench/' ) ) {
	add_action(
		'rest_api_init',
		static function () {
			register_rest_route(
				'bench/v1',
				'/nothing',
				array(
					'methods'             => 'GET',
					'permission_callback' => '__return_true',
					'callback'            => static function () {
						return array( 'nothing' => true );
					},
				)
			);
		}
	);
}
