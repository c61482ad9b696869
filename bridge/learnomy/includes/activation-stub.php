<?php
/**
 * The must-use stub of the early door: installed on activation, removed on deactivation.
 *
 * @package Learnomy
 */

// phpcs:disable WordPress.WP.AlternativeFunctions, WordPress.PHP.NoSilencedErrors -- A failure is remembered, and said in Site Health.

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Writes and removes the stub.
 */
final class Activation_Stub {

	const FILE = 'learnomy-early.php';
	const MARK = 'Plugin Name: Learnomy early door';

	/**
	 * Where the stub is.
	 *
	 * @return string
	 */
	public static function path(): string {
		return WPMU_PLUGIN_DIR . '/' . self::FILE;
	}

	/**
	 * Whether the stub of this version is there.
	 *
	 * @return bool
	 */
	public static function is_installed(): bool {
		return is_file( self::path() ) && self::content() === (string) @file_get_contents( self::path() );
	}

	/**
	 * Installs the stub; where it cannot be, WordPress does without an early door.
	 *
	 * @return bool
	 */
	public static function install(): bool {
		$problem = self::is_installed() ? '' : self::write();
		if ( Bridge_Options::get( 'stub_problem' ) !== $problem ) {
			Bridge_Options::set( array( 'stub_problem' => $problem ) );
		}
		return '' === $problem;
	}

	/**
	 * Removes the stub.
	 */
	public static function remove(): void {
		if ( self::is_ours() ) {
			@unlink( self::path() );
			self::forget_compiled();
		}
	}

	/**
	 * Writes the file.
	 *
	 * @return string What stood in the way, else ''.
	 */
	private static function write(): string {
		if ( is_file( self::path() ) && ! self::is_ours() ) {
			return 'foreign';
		}
		if ( ! wp_is_file_mod_allowed( 'learnomy_early_door' ) ) {
			return 'file_mods';
		}
		$temporary = self::path() . '.' . bin2hex( random_bytes( 4 ) );
		$content   = self::content();
		if ( ! wp_mkdir_p( WPMU_PLUGIN_DIR ) || strlen( $content ) !== @file_put_contents( $temporary, $content ) || ! @rename( $temporary, self::path() ) ) {
			@unlink( $temporary );
			return 'unwritable';
		}
		@chmod( self::path(), 0644 );
		self::forget_compiled();
		return '';
	}

	/**
	 * The stub's text.
	 *
	 * @return string
	 */
	private static function content(): string {
		return str_replace( '{{version}}', LEARNOMY_BACKEND_VERSION, (string) file_get_contents( __DIR__ . '/early-stub.php.txt' ) );
	}

	/**
	 * Whether what is there is a stub of ours.
	 *
	 * @return bool
	 */
	private static function is_ours(): bool {
		return is_file( self::path() ) && false !== strpos( (string) @file_get_contents( self::path() ), self::MARK );
	}

	/**
	 * Has PHP read the file again.
	 */
	private static function forget_compiled(): void {
		if ( function_exists( 'opcache_invalidate' ) ) {
			@opcache_invalidate( self::path(), true );
		}
	}
}
